import type { RealServer, VirtualServer, VirtualServerKey } from "./model.ts";

/** What names a real server of a virtual server. */
export type RealServerName = Pick<RealServer, "address" | "port">;

/** A virtual server without its real servers, as one request makes it. */
export type VirtualServerAlone = Omit<VirtualServer, "realServers">;

/**
 * One request to ip_vs, by the name of its long option of ipvsadm (`IPVS_CMD_NEW_SERVICE`, `SET_SERVICE`, `DEL_SERVICE`,
 * `NEW_DEST`, `SET_DEST`, `DEL_DEST`).
 */
export type IPVSCommand =
  | { readonly kind: "add-service" | "edit-service"; readonly server: VirtualServerAlone }
  | { readonly kind: "delete-service"; readonly key: VirtualServerKey }
  | { readonly kind: "add-server" | "edit-server"; readonly key: VirtualServerKey; readonly real: RealServer }
  | { readonly kind: "delete-server"; readonly key: VirtualServerKey; readonly real: RealServerName };

/** The virtual server that a request is about. */
export function keyOfCommand(command: IPVSCommand): VirtualServerKey {
  return "server" in command ? command.server.key : command.key;
}
