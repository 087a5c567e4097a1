import { formatEnd, schedulerName } from "../rules/ipvs/spelling.ts";
import type { ServersDump } from "./read-servers.ts";
import { realServerWords, serverTitle, serverWords } from "./server-words.ts";

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/**
 * The virtual servers of a text of ipvsadm in words: what each does with new connections, and what goes to each of its real
 * servers. Which Service they are of is not in the text. In pieces, in the order of the text.
 */
export function* explainServersText(
  { file, table }: ServersDump,
  { strong }: { readonly strong: (text: string) => string },
): Generator<string> {
  const { virtualServers, timeouts } = table;
  const reals = virtualServers.reduce((sum, { realServers }) => sum + realServers.length, 0);
  yield `${strong("IPVS")} ${file}   ${plural(virtualServers.length, "virtual server")}, ${plural(reals, "real server")}\n`;
  if (timeouts !== undefined) {
    const { tcp, tcpFin, udp } = timeouts;
    yield `  connections end after ${tcp} s without a packet (TCP), ${tcpFin} s (TCP after a FIN), ${udp} s (UDP); 0: the kernel's own time\n`;
  }
  for (const server of virtualServers) {
    yield `\n${strong(serverTitle(server.key))}\n`;
    for (const words of serverWords(server)) yield `  ${words}\n`;
    for (const real of server.realServers)
      yield `  -> ${formatEnd(real.address, real.port).padEnd(28)} ${realServerWords(real)}\n`;
  }
}

/** The same for programs: one object a text. */
export function explainedServers({ file, table }: ServersDump): object {
  const virtualServers = table.virtualServers.map((server) => ({
    name: serverTitle(server.key),
    scheduler: schedulerName(server),
    flags: server.schedulerFlags,
    persistence: server.persistence,
    words: serverWords(server),
    realServers: server.realServers.map((real) => ({
      name: formatEnd(real.address, real.port),
      method: real.method,
      weight: real.weight,
      connections: real.connections,
      words: realServerWords(real),
    })),
  }));
  return { file, timeouts: table.timeouts, virtualServers };
}
