import type {
  Customization,
  CustomizationConflict,
  CustomizationEntry,
  CustomField,
  CustomFields,
  CustomizationImpact,
  RecordedResolution,
  ResolveConflictInput,
  UpgradeAdvice,
} from "../api/customizations.ts";
import type { Page } from "../api/models.ts";
import type { Preference } from "../manifest/customizable.ts";
import type { PageRequest } from "./page-request.ts";

/** What {@link MultiVersionService} does with what tenants change. */
export interface CustomizationService {
  /** What a tenant may change of a live version (the oldest unless told), and has. */
  listCustomizations(tenant: string, module: string, version?: string): Promise<Customization[]>;
  getCustomization(tenant: string, module: string, name: string, version?: string): Promise<Customization>;
  /** @throws AIBOS_CUSTOMIZATION_INVALID, AIBOS_DOCUMENT_REFUSED. Null as content: the default. */
  setCustomization(
    tenant: string,
    module: string,
    name: string,
    change: { content: string | null; author?: string; version?: string },
  ): Promise<Customization>;
  /** Newest first. */
  listCustomizationHistory(
    tenant: string,
    module: string,
    name: string,
    page?: PageRequest,
  ): Promise<Page<CustomizationEntry>>;
  /** Merges it again by what is decided now; with an entry, takes that entry's content. */
  reapplyCustomization(
    tenant: string,
    module: string,
    name: string,
    options?: { entry?: string; author?: string },
  ): Promise<CustomizationEntry>;
  /** Columns of the tenant's own on a module's tables, as a live version (the oldest unless told) calls them. */
  listCustomFields(tenant: string, module: string, version?: string): Promise<CustomFields>;
  /** All live versions see it. @throws AIBOS_CUSTOM_FIELD */
  addCustomField(
    tenant: string,
    module: string,
    field: CustomField & { author?: string; version?: string },
  ): Promise<CustomFields>;
  /** @throws AIBOS_CUSTOM_FIELD while it holds values and `acceptDataLoss` is not set */
  dropCustomField(
    tenant: string,
    module: string,
    field: { table: string; name: string; acceptDataLoss?: boolean; author?: string; version?: string },
  ): Promise<CustomFields>;
  /** The key that the tenant's webhooks are signed with, as Standard Webhooks has it: `whsec_…`. */
  getHookSecret(tenant: string, module: string): Promise<string>;
  /** Makes a new one at once. */
  rotateHookSecret(tenant: string, module: string): Promise<string>;
  setCustomizationPolicy(tenant: string, module: string, prefer: Preference): Promise<void>;
  getCustomizationPolicy(tenant: string, module: string): Promise<Preference>;
  /** For all tenants on a version: how many would merge clean, need a decision, are blocked. Moves nobody. */
  customizationImpact(module: string, from: string, to: string): Promise<CustomizationImpact>;
  /** Those that tenants met and nobody has decided. */
  listConflicts(module: string, filter?: PageRequest & { tenant?: string }): Promise<Page<CustomizationConflict>>;
  resolveConflict(module: string, resolution: ResolveConflictInput): Promise<RecordedResolution>;
  /** Newest first. */
  listResolutions(module: string, page?: PageRequest): Promise<Page<RecordedResolution>>;
  revokeResolution(resolutionId: string): Promise<RecordedResolution>;
  /** Why a tenant's modules don't go together with a version, and the fewest upgrades that would settle it. */
  adviseUpgrade(tenant: string, module: string, version: string): Promise<UpgradeAdvice>;
}
