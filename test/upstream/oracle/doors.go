package main

import (
	"bytes"
	"errors"
	"net"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/proxy/util/nfacct"
	utiliptables "k8s.io/kubernetes/pkg/util/iptables"
)

// place is an unexported field of one of kube-proxy's structs.
type place[T any] struct{ at *T }

func field[T any](owner any, name string) place[T] {
	found := reflect.ValueOf(owner).Elem().FieldByName(name)
	if want := reflect.TypeFor[T](); found.Type() != want {
		panic("the field " + name + " is a " + found.Type().String() + ", not a " + want.String())
	}
	return place[T]{(*T)(unsafe.Pointer(found.UnsafeAddr()))}
}

func (p place[T]) set(value T) { *p.at = value }

// iptables is a host on which nothing exists yet: it writes down what kube-proxy does, and says yes.
type iptables struct {
	v6       bool
	commands []string
	restored []string
	chains   map[string]bool
}

func newIPTables(v6 bool) *iptables {
	return &iptables{v6: v6, chains: map[string]bool{}}
}

func words(arguments []string) string {
	written := make([]string, len(arguments))
	for i, argument := range arguments {
		written[i] = argument
		if argument == "" || strings.ContainsRune(argument, ' ') {
			written[i] = `"` + argument + `"`
		}
	}
	return strings.Join(written, " ")
}

func (host *iptables) note(table utiliptables.Table, arguments ...string) {
	host.commands = append(host.commands, words(append([]string{"-t", string(table)}, arguments...)))
}

func (host *iptables) EnsureChain(table utiliptables.Table, chain utiliptables.Chain) (bool, error) {
	key := string(table) + " " + string(chain)
	if host.chains[key] {
		return true, nil
	}
	host.chains[key] = true
	host.note(table, "-N", string(chain))
	return false, nil
}

func (host *iptables) EnsureRule(position utiliptables.RulePosition, table utiliptables.Table, chain utiliptables.Chain, arguments ...string) (bool, error) {
	host.note(table, append([]string{string(position), string(chain)}, arguments...)...)
	return false, nil
}

func (host *iptables) RestoreAll(text []byte, flush utiliptables.FlushFlag, counters utiliptables.RestoreCountersFlag) error {
	if flush != utiliptables.NoFlushTables || counters != utiliptables.RestoreCounters {
		return errors.New("kube-proxy restores with other flags than --noflush --counters")
	}
	host.restored = append(host.restored, string(text))
	return nil
}

func (host *iptables) ChainExists(table utiliptables.Table, chain utiliptables.Chain) (bool, error) {
	return host.chains[string(table)+" "+string(chain)], nil
}

func (host *iptables) FlushChain(table utiliptables.Table, chain utiliptables.Chain) error {
	host.note(table, "-F", string(chain))
	return nil
}

func (host *iptables) DeleteChain(table utiliptables.Table, chain utiliptables.Chain) error {
	host.note(table, "-X", string(chain))
	return nil
}

func (host *iptables) DeleteRule(table utiliptables.Table, chain utiliptables.Chain, arguments ...string) error {
	host.note(table, append([]string{"-D", string(chain)}, arguments...)...)
	return nil
}

func (host *iptables) Restore(utiliptables.Table, []byte, utiliptables.FlushFlag, utiliptables.RestoreCountersFlag) error {
	return errors.New("kube-proxy is not known to restore single tables")
}

func (host *iptables) SaveInto(utiliptables.Table, *bytes.Buffer) error { return nil }

func (host *iptables) Monitor(utiliptables.Chain, []utiliptables.Table, func(), time.Duration, <-chan struct{}) {
}
func (host *iptables) IsIPv6() bool   { return host.v6 }
func (host *iptables) Present() error { return nil }

func (host *iptables) Protocol() utiliptables.Protocol {
	if host.v6 {
		return utiliptables.ProtocolIPv6
	}
	return utiliptables.ProtocolIPv4
}

// sysctls are settings of the kernel that nobody else changes.
type sysctls map[string]int

func (s sysctls) GetSysctl(name string) (int, error) { return s[name], nil }

func (s sysctls) SetSysctl(name string, value int) error {
	s[name] = value
	return nil
}

// interfaces are the node's addresses in the system's order.
type interfaces []net.Addr

func (i interfaces) InterfaceAddrs() ([]net.Addr, error) { return i, nil }

func readInterfaces(written []networkInterface) (interfaces, error) {
	var found interfaces
	for _, device := range written {
		for _, text := range device.Addresses {
			address, network, err := net.ParseCIDR(text)
			if err != nil {
				return nil, err
			}
			found = append(found, &net.IPNet{IP: address, Mask: network.Mask})
		}
	}
	return found, nil
}

// counters is a kernel with nfacct.
type counters struct{}

func (counters) Ensure(string) error                 { return nil }
func (counters) Add(string) error                    { return nil }
func (counters) Get(string) (*nfacct.Counter, error) { return nil, nfacct.ErrObjectNotFound }
func (counters) List() ([]*nfacct.Counter, error)    { return nil, nil }

// connections is a connection table without any.
type connections struct{}

func (connections) ListEntries(uint8) ([]*netlink.ConntrackFlow, error) { return nil, nil }
func (connections) DeleteEntries(uint8, []*netlink.ConntrackFlow) (int, error) {
	return 0, nil
}

// health is told what kube-proxy's health check server would be told.
type health struct {
	ports  map[types.NamespacedName]uint16
	counts map[types.NamespacedName]int
}

func (h *health) SyncServices(ports map[types.NamespacedName]uint16) error {
	h.ports = ports
	return nil
}

func (h *health) SyncEndpoints(counts map[types.NamespacedName]int) error {
	h.counts = counts
	return nil
}

func (h *health) answers() map[string]healthAnswer {
	found := map[string]healthAnswer{}
	for service, port := range h.ports {
		found[service.String()] = healthAnswer{port, h.counts[service]}
	}
	return found
}
