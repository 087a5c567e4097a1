import { flagOption, type RuleModule } from "../module.ts";

/** `-m socket`: true when a socket of this host takes the packet. */
export interface SocketMatch {
  readonly kind: "socket";
  /** Only transparent sockets count. */
  readonly transparent: boolean;
  /** Sockets bound to any address count too. */
  readonly noWildcard: boolean;
  /** The packet gets the socket's mark. */
  readonly restoreMark: boolean;
}

export const socketModule: RuleModule<SocketMatch> = {
  kind: "socket",
  negatable: [],
  parse: (options) => ({
    kind: "socket",
    transparent: options.has("--transparent"),
    noWildcard: options.has("--nowildcard"),
    restoreMark: options.has("--restore-skmark"),
  }),
  format: (match) => [
    ...flagOption("--transparent", match.transparent),
    ...flagOption("--nowildcard", match.noWildcard),
    ...flagOption("--restore-skmark", match.restoreMark),
  ],
};
