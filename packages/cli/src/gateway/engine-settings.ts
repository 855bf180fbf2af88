import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { type EnvoyOptions, type GatewayApiOptions, HAPROXY_DEFAULTS, type HaproxyOptions } from "@aibos/engines";

/** What the command line says about an engine. */
export interface EngineSettings {
  readonly target: "haproxy" | "gateway-api" | "envoy";
  readonly out?: string;
  readonly gateway?: readonly string[];
  readonly stickyHeader: string;
  readonly bind: string;
  readonly socket?: string;
  readonly maxVersions: number;
  readonly namespace: string;
  readonly parent?: string;
  readonly gatewayService?: string;
  readonly contextMinutes: number;
  readonly id?: string;
  readonly publicUrl?: string;
  readonly kubeconfig?: string;
}

/** The folder for files. @throws InvalidArgumentError */
export function folderOf({ out }: EngineSettings): string {
  if (out === undefined) throw new InvalidArgumentError("--out <folder> is needed: it says where the files go.");
  const folder = resolve(out);
  if (/[\s'"\\]/.test(folder)) throw new InvalidArgumentError(`The folder ${folder} must have no blanks or quotes.`);
  return folder;
}

/** @throws InvalidArgumentError */
export function haproxyOptionsOf(settings: EngineSettings): HaproxyOptions {
  const folder = folderOf(settings);
  if (!/^[A-Za-z0-9.:*[\]-]*:\d{1,5}$/.test(settings.bind)) {
    throw new InvalidArgumentError("--bind must be an address and a port, such as 127.0.0.1:8480.");
  }
  return {
    ...HAPROXY_DEFAULTS,
    folder,
    bind: settings.bind,
    socket: settings.socket ?? `${folder}/admin.sock`,
    gateways: gatewaysOf(settings),
    stickyHeader: headerOf(settings),
    versions: settings.maxVersions,
  };
}

/** @throws InvalidArgumentError */
export function envoyOptionsOf(settings: EngineSettings): EnvoyOptions {
  return {
    folder: folderOf(settings),
    gateways: gatewaysOf(settings),
    stickyHeader: headerOf(settings),
    contextSeconds: 60 * settings.contextMinutes,
  };
}

/** @throws InvalidArgumentError */
export function gatewayApiOptionsOf(settings: EngineSettings): GatewayApiOptions {
  const { parent = "", gatewayService = "", namespace } = settings;
  if (!/^([a-z0-9-]+\/)?[a-z0-9.-]+$/.test(parent)) {
    throw new InvalidArgumentError("--parent must name the Gateway, as name or namespace/name.");
  }
  if (!/^[a-z][a-z0-9-]*:\d{1,5}$/.test(gatewayService)) {
    throw new InvalidArgumentError("--gateway-service must be a Service and its port, such as aibos-gateway:7480.");
  }
  if (!/^[a-z0-9-]{1,63}$/.test(namespace)) throw new InvalidArgumentError("--namespace must be a namespace's name.");
  return {
    namespace,
    parent,
    gatewayService,
    stickyHeader: headerOf(settings),
    contextSeconds: 60 * settings.contextMinutes,
  };
}

function gatewaysOf({ gateway = [] }: EngineSettings): readonly string[] {
  if (gateway.length === 0) {
    throw new InvalidArgumentError("--gateway <host:port> is needed: rules, testers and holds are a gateway's work.");
  }
  return gateway;
}

function headerOf({ stickyHeader }: EngineSettings): string {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(stickyHeader)) {
    throw new InvalidArgumentError("--sticky-header must be the name of a header.");
  }
  return stickyHeader.toLowerCase();
}
