import test from "ava";
import type { Interface } from "../../src/kernel/host.ts";
import { localRoutes } from "../../src/kernel/routing/address-routes.ts";
import { addressText, device } from "./support.ts";

const rows: readonly (readonly [
  string,
  Pick<Interface, "up" | "noARP">,
  IPv4: readonly string[],
  IPv6: readonly string[],
])[] = [
  ["is up", { up: true }, ["10.96.0.10"], ["fd00:96::10", "ff00::"]],
  ["is down: whether an IPv6 address is unique cannot be asked", { up: false }, ["10.96.0.10"], []],
  ["is down, and nobody need be asked (kube-ipvs0)", { up: false, noARP: true }, ["10.96.0.10"], ["fd00:96::10"]],
];
for (const [title, state, ...expected] of rows) {
  test(`local addresses of a device that ${title}`, (t) => {
    const dummy = { ...device(3, "dummy 10.96.0.10/32 fd00:96::10/128"), ...state };
    const found = (["IPv4", "IPv6"] as const).map((family) =>
      localRoutes([dummy], family, true).map(({ destination }) => addressText(destination)),
    );
    t.deepEqual(found, expected);
  });
}
