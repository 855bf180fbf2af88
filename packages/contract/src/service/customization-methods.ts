import type { RouteCaller } from "../api/routes.ts";
import type { CustomizationService } from "./customization-service.ts";

const none = { params: {}, query: {}, body: undefined };

/** The service's methods on customisations. */
export function customizationMethods(call: RouteCaller): CustomizationService {
  const at = (version: string | undefined): { version?: string } => (version === undefined ? {} : { version });
  return {
    listCustomizations: async (tenant, module, version) =>
      (await call.listCustomizations({ ...none, params: { tenant, module }, query: at(version) })).items,
    getCustomization: (tenant, module, name, version) =>
      call.getCustomization({ ...none, params: { tenant, module, name }, query: at(version) }),
    setCustomization: (tenant, module, name, { version, ...body }) =>
      call.setCustomization({ params: { tenant, module, name }, query: at(version), body }),
    listCustomizationHistory: (tenant, module, name, page = {}) =>
      call.listCustomizationHistory({ ...none, params: { tenant, module, name }, query: { ...page } }),
    reapplyCustomization: (tenant, module, name, options = {}) =>
      call.reapplyCustomization({ ...none, params: { tenant, module, name }, body: options }),
    listCustomFields: (tenant, module, version) =>
      call.listCustomFields({ ...none, params: { tenant, module }, query: at(version) }),
    addCustomField: (tenant, module, { table, name: field, version, ...body }) =>
      call.addCustomField({ params: { tenant, module, table, field }, query: at(version), body }),
    dropCustomField: (tenant, module, { table, name: field, version, ...body }) =>
      call.dropCustomField({ params: { tenant, module, table, field }, query: at(version), body }),
    getHookSecret: async (tenant, module) => (await call.getHookSecret({ ...none, params: { tenant, module } })).secret,
    rotateHookSecret: async (tenant, module) =>
      (await call.rotateHookSecret({ ...none, params: { tenant, module } })).secret,
    setCustomizationPolicy: async (tenant, module, prefer) => {
      await call.setCustomizationPolicy({ ...none, params: { tenant, module }, body: { prefer } });
    },
    getCustomizationPolicy: async (tenant, module) =>
      (await call.getCustomizationPolicy({ ...none, params: { tenant, module } })).prefer,
    customizationImpact: (module, from, to) =>
      call.customizationImpact({ ...none, params: { module }, query: { from, to } }),
    listConflicts: (module, filter = {}) => call.listConflicts({ ...none, params: { module }, query: { ...filter } }),
    resolveConflict: (module, resolution) => call.resolveConflict({ ...none, params: { module }, body: resolution }),
    listResolutions: (module, page = {}) => call.listResolutions({ ...none, params: { module }, query: { ...page } }),
    revokeResolution: (resolutionId) => call.revokeResolution({ ...none, params: { resolutionId } }),
    adviseUpgrade: (tenant, module, version) =>
      call.adviseUpgrade({ ...none, params: { tenant, module }, query: { version } }),
  };
}
