package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	utilipset "k8s.io/kubernetes/pkg/proxy/ipvs/ipset"
	utilipvs "k8s.io/kubernetes/pkg/proxy/ipvs/util"
)

// balancer is a kernel's table of virtual servers, which both families share.
type balancer struct {
	servers map[string]*virtualServer
}

type virtualServer struct {
	shape utilipvs.VirtualServer
	reals []utilipvs.RealServer
}

var errNoServer = errors.New("no such virtual server")

func newBalancer() *balancer { return &balancer{map[string]*virtualServer{}} }

func (b *balancer) Flush() error {
	clear(b.servers)
	return nil
}

func (b *balancer) AddVirtualServer(wanted *utilipvs.VirtualServer) error {
	if b.servers[wanted.String()] != nil {
		return errors.New("the virtual server is there already")
	}
	b.servers[wanted.String()] = &virtualServer{shape: *wanted}
	return nil
}

func (b *balancer) UpdateVirtualServer(wanted *utilipvs.VirtualServer) error {
	found := b.servers[wanted.String()]
	if found == nil {
		return errNoServer
	}
	found.shape = *wanted
	return nil
}

func (b *balancer) DeleteVirtualServer(unwanted *utilipvs.VirtualServer) error {
	if b.servers[unwanted.String()] == nil {
		return errNoServer
	}
	delete(b.servers, unwanted.String())
	return nil
}

func (b *balancer) GetVirtualServer(asked *utilipvs.VirtualServer) (*utilipvs.VirtualServer, error) {
	found := b.servers[asked.String()]
	if found == nil {
		return nil, errNoServer
	}
	shape := found.shape
	return &shape, nil
}

func (b *balancer) GetVirtualServers() ([]*utilipvs.VirtualServer, error) {
	var all []*utilipvs.VirtualServer
	for _, server := range b.servers {
		shape := server.shape
		all = append(all, &shape)
	}
	return all, nil
}

func (v *virtualServer) index(real *utilipvs.RealServer) int {
	return slices.IndexFunc(v.reals, func(known utilipvs.RealServer) bool { return known.Equal(real) })
}

func (b *balancer) AddRealServer(server *utilipvs.VirtualServer, wanted *utilipvs.RealServer) error {
	found := b.servers[server.String()]
	if found == nil {
		return errNoServer
	}
	if wanted.Address == nil {
		// the kernel reads no address as 0.0.0.0 or ::, and takes no real server there (__ip_vs_new_dest)
		return errors.New("no address")
	}
	if found.index(wanted) >= 0 {
		return errors.New("the real server is there already")
	}
	found.reals = append(found.reals, *wanted)
	return nil
}

func (b *balancer) GetRealServers(server *utilipvs.VirtualServer) ([]*utilipvs.RealServer, error) {
	found := b.servers[server.String()]
	if found == nil {
		return nil, errNoServer
	}
	var all []*utilipvs.RealServer
	for _, real := range found.reals {
		all = append(all, &real)
	}
	return all, nil
}

func (b *balancer) DeleteRealServer(server *utilipvs.VirtualServer, unwanted *utilipvs.RealServer) error {
	found := b.servers[server.String()]
	if found == nil {
		return errNoServer
	}
	at := found.index(unwanted)
	if at < 0 {
		return errors.New("no such real server")
	}
	found.reals = slices.Delete(found.reals, at, at+1)
	return nil
}

func (b *balancer) UpdateRealServer(server *utilipvs.VirtualServer, wanted *utilipvs.RealServer) error {
	found := b.servers[server.String()]
	if found == nil {
		return errNoServer
	}
	at := found.index(wanted)
	if at < 0 {
		return errors.New("no such real server")
	}
	found.reals[at].Weight = wanted.Weight
	return nil
}

func (b *balancer) ConfigureTimeouts(time.Duration, time.Duration, time.Duration) error { return nil }

var serverOptions = map[string]string{"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service"}

// commands tells the table as ipvsadm -Sn does, in no particular order.
func (b *balancer) commands() string {
	var lines []string
	for _, server := range b.servers {
		shape := server.shape
		name := fmt.Sprintf("%s %s", serverOptions[shape.Protocol], strings.TrimSuffix(shape.String(), "/"+shape.Protocol))
		line := fmt.Sprintf("-A %s -s %s", name, shape.Scheduler)
		if shape.Flags&utilipvs.FlagPersistent != 0 {
			line += fmt.Sprintf(" -p %d", shape.Timeout)
		}
		if shape.Flags&utilipvs.FlagSourceHash != 0 {
			line += fmt.Sprintf(" -b %s-port", shape.Scheduler)
		}
		lines = append(lines, line)
		for _, real := range server.reals {
			lines = append(lines, fmt.Sprintf("-a %s -r %s -m -w %d", name, real.String(), real.Weight))
		}
	}
	slices.Sort(lines)
	return strings.Join(append(lines, ""), "\n")
}

// ipSets are a kernel's sets; entries stay as they are written.
type ipSets map[string]*ipSet

type ipSet struct {
	Type    utilipset.Type `json:"type"`
	Family  string         `json:"family"`
	Comment string         `json:"comment"`
	Entries []string       `json:"entries"`
}

func (s ipSets) CreateSet(wanted *utilipset.IPSet, ignoreExists bool) error {
	if s[wanted.Name] != nil {
		if ignoreExists {
			return nil
		}
		return errors.New("the set is there already")
	}
	s[wanted.Name] = &ipSet{wanted.SetType, wanted.HashFamily, wanted.Comment, []string{}}
	return nil
}

func (s ipSets) AddEntry(entry string, set *utilipset.IPSet, ignoreExists bool) error {
	found := s[set.Name]
	if found == nil {
		return errors.New("no such set")
	}
	if !slices.Contains(found.Entries, entry) {
		found.Entries = append(found.Entries, entry)
	} else if !ignoreExists {
		return errors.New("the entry is there already")
	}
	return nil
}

func (s ipSets) DelEntry(entry string, set string) error {
	found := s[set]
	if found == nil || !slices.Contains(found.Entries, entry) {
		return errors.New("no such entry")
	}
	found.Entries = slices.DeleteFunc(found.Entries, func(known string) bool { return known == entry })
	return nil
}

func (s ipSets) TestEntry(entry string, set string) (bool, error) {
	return s[set] != nil && slices.Contains(s[set].Entries, entry), nil
}

func (s ipSets) ListEntries(set string) ([]string, error) {
	if s[set] == nil {
		return nil, errors.New("no such set")
	}
	return slices.Clone(s[set].Entries), nil
}

func (s ipSets) ListSets() ([]string, error) {
	var names []string
	for name := range s {
		names = append(names, name)
	}
	return names, nil
}

func (s ipSets) FlushSet(set string) error {
	if s[set] != nil {
		s[set].Entries = []string{}
	}
	return nil
}

func (s ipSets) DestroySet(set string) error {
	delete(s, set)
	return nil
}

func (s ipSets) DestroyAllSets() error {
	clear(s)
	return nil
}

func (s ipSets) GetVersion() (string, error) { return "7.17", nil }

// links are the node's interfaces as one family's proxier sees them: those it is told of, and those it makes.
type links struct {
	v6    bool
	told  []networkInterface
	bound map[string]sets.Set[string]
}

func (l *links) EnsureDummyDevice(name string) (bool, error) {
	if l.bound[name] != nil {
		return true, nil
	}
	l.bound[name] = sets.New[string]()
	return false, nil
}

func (l *links) DeleteDummyDevice(name string) error {
	delete(l.bound, name)
	return nil
}

func (l *links) EnsureAddressBind(address, name string) (bool, error) {
	if net.ParseIP(address) == nil {
		return false, errors.New("no address: " + address)
	}
	if l.bound[name].Has(address) {
		return true, nil
	}
	l.bound[name].Insert(address)
	return false, nil
}

func (l *links) UnbindAddress(address, name string) error {
	l.bound[name].Delete(address)
	return nil
}

func (l *links) ListBindAddress(name string) ([]string, error) {
	return l.ofFamily(sets.List(l.bound[name])), nil
}

func (l *links) ofFamily(texts []string) []string {
	var kept []string
	for _, text := range texts {
		address := net.ParseIP(text)
		if (address.To4() == nil) == l.v6 {
			kept = append(kept, text)
		}
	}
	return kept
}

func (l *links) addresses(wanted func(name string) bool) (sets.Set[string], error) {
	found := sets.New[string]()
	for _, device := range l.told {
		if !wanted(device.Name) {
			continue
		}
		for _, text := range device.Addresses {
			address, _, err := net.ParseCIDR(text)
			if err != nil {
				return nil, err
			}
			if address.IsLoopback() || l.v6 && address.IsLinkLocalUnicast() {
				continue
			}
			found.Insert(l.ofFamily([]string{address.String()})...)
		}
	}
	for name, addresses := range l.bound {
		if wanted(name) {
			found.Insert(l.ofFamily(sets.List(addresses))...)
		}
	}
	return found, nil
}

func (l *links) GetAllLocalAddresses() (sets.Set[string], error) {
	return l.addresses(func(string) bool { return true })
}

func (l *links) GetLocalAddresses(device string) (sets.Set[string], error) {
	return l.addresses(func(name string) bool { return name == device })
}

func (l *links) GetAllLocalAddressesExcept(device string) (sets.Set[string], error) {
	return l.addresses(func(name string) bool { return name != device })
}
