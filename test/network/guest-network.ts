import { fileURLToPath } from "node:url";
import { Guest } from "../ipvs/guest.ts";
import { type NetworkProgram, networkProgram } from "./real-network.ts";

const SCRIPT = fileURLToPath(new URL("../../../test/network/real_network_guest.py", import.meta.url));

/** A User-Mode Linux guest that makes networks, one after the other. */
export class NetworkGuest {
  readonly #guest = new Guest(SCRIPT);

  boot(): Promise<void> {
    return this.#guest.boot();
  }

  /** Whoever makes the next network; the one before ends. */
  async program(): Promise<NetworkProgram> {
    await this.#guest.ask([{ do: "network", program: networkProgram }]);
    return {
      ask: async (request) => (await this.#guest.ask([{ do: "ask", line: JSON.stringify(request) }]))[0],
      stop: () => Promise.resolve(),
    };
  }

  stop(): Promise<void> {
    return this.#guest.stop();
  }
}
