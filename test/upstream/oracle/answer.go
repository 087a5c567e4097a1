package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/events"
	"k8s.io/kubernetes/pkg/proxy/apis"
	"k8s.io/kubernetes/pkg/proxy/conntrack"
	"k8s.io/kubernetes/pkg/proxy/healthcheck"
	proxyiptables "k8s.io/kubernetes/pkg/proxy/iptables"
	proxyipvs "k8s.io/kubernetes/pkg/proxy/ipvs"
	proxyutil "k8s.io/kubernetes/pkg/proxy/util"
	"k8s.io/kubernetes/pkg/proxy/util/nfacct"
)

var families = map[string]v1.IPFamily{"ipv4": v1.IPv4Protocol, "ipv6": v1.IPv6Protocol}

// answerTo starts kube-proxy as often as asked and gives what its first sync wrote each time.
func answerTo(asked *question) (given *answer) {
	given = &answer{}
	defer keepFeatureGates()()
	defer func() {
		if fault := recover(); fault != nil {
			given.Failed = fmt.Sprintf("panic: %v at %s", fault, faultyFrame(debug.Stack()))
		}
	}()
	text, err := configFile(asked.Config, asked.Mode)
	if err != nil {
		given.Failed = err.Error()
		return given
	}
	for range max(asked.Times, 1) {
		found, err := decodeCluster(asked)
		if err != nil {
			given.Failed = err.Error()
			return given
		}
		begun, err := startUp(text, found.node)
		if err != nil {
			given.Refused = err.Error()
			return given
		}
		kernel := newNode(asked)
		run := map[string]any{}
		for name, family := range families {
			if run[name], err = kernel.firstSync(asked, begun, found, family); err != nil {
				given.Failed = name + ": " + err.Error()
				return given
			}
		}
		if asked.Mode == "ipvs" {
			run["ipvs"] = kernel.tell()
		}
		given.Runs = append(given.Runs, run)
	}
	return given
}

func configFile(written json.RawMessage, mode string) ([]byte, error) {
	members := map[string]any{}
	if len(written) > 0 {
		if err := json.Unmarshal(written, &members); err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
	}
	members["apiVersion"] = "kubeproxy.config.k8s.io/v1alpha1"
	members["kind"] = "KubeProxyConfiguration"
	if mode != "" {
		members["mode"] = mode
	}
	return json.Marshal(members)
}

// node is what the families of one run share.
type node struct {
	sysctls  sysctls
	balancer *balancer
	sets     ipSets
	bound    map[string]sets.Set[string]
}

func newNode(asked *question) *node {
	kernel := &node{sysctls{}, newBalancer(), ipSets{}, map[string]sets.Set[string]{}}
	if asked.Host.ConntrackTCPLiberal {
		kernel.sysctls[liberal] = 1
	}
	return kernel
}

const liberal = "net/netfilter/nf_conntrack_tcp_be_liberal"

// tell gives what ipvs mode made of the node; kube-proxy's own goroutines keep the table, so it is emptied.
func (kernel *node) tell() nodeAnswer {
	delete(kernel.sysctls, liberal)
	bound := []string{}
	for _, addresses := range kernel.bound {
		bound = append(bound, sets.List(addresses)...)
	}
	told := nodeAnswer{kernel.balancer.commands(), kernel.sets, bound, kernel.sysctls}
	_ = kernel.balancer.Flush()
	return told
}

// proxier is what the proxiers of all modes have in common.
type proxier interface {
	OnTopologyChange(map[string]string)
	OnServiceAdd(*v1.Service)
	OnServiceSynced()
	OnEndpointSliceAdd(*discovery.EndpointSlice)
	OnEndpointSlicesSynced()
}

func (kernel *node) newProxier(asked *question, begun *start, family v1.IPFamily, host *iptables) (proxier, error) {
	background, detector, nodeIP := context.Background(), begun.detectors[family], begun.nodeIPs[family]
	if asked.Mode == "ipvs" {
		made, err := proxyipvs.NewProxier(background, begun.config, family, host, kernel.balancer, kernel.sets, kernel.sysctls,
			detector, asked.Node, nodeIP, &events.FakeRecorder{}, nil, false)
		if err != nil {
			return nil, err
		}
		devices := &links{family == v1.IPv6Protocol, asked.Host.Interfaces, kernel.bound}
		field[proxyipvs.NetLinkHandle](made, "netlinkHandle").set(devices)
		return made, nil
	}
	if begun.config.Linux.Conntrack.TCPBeLiberal {
		// kube-proxy sets the sysctl itself before it makes the proxiers (conntrack.SetSysctls)
		kernel.sysctls[liberal] = 1
	}
	made, err := proxyiptables.NewProxier(background, begun.config, family, host, kernel.sysctls,
		detector, asked.Node, nodeIP, &events.FakeRecorder{}, nil, false)
	if err != nil {
		return nil, err
	}
	var accounting nfacct.Interface
	if asked.Host.NFAcct {
		accounting = counters{}
	}
	field[nfacct.Interface](made, "nfacct").set(accounting)
	return made, nil
}

func (kernel *node) firstSync(asked *question, begun *start, found *cluster, family v1.IPFamily) (synced, error) {
	host := newIPTables(family == v1.IPv6Protocol)
	made, err := kernel.newProxier(asked, begun, family, host)
	if err != nil {
		return synced{}, err
	}
	addresses, err := readInterfaces(asked.Host.Interfaces)
	if err != nil {
		return synced{}, err
	}
	checks := &health{}
	field[conntrack.Interface](made, "conntrack").set(connections{})
	field[healthcheck.ServiceHealthServer](made, "serviceHealthServer").set(checks)
	field[proxyutil.NetworkInterfacer](made, "networkInterfacer").set(addresses)
	feed(made, found)
	if len(host.restored) != 1 {
		return synced{}, fmt.Errorf("the first sync restored %d times", len(host.restored))
	}
	return synced{host.commands, host.restored[0], checks.answers()}, nil
}

// feed gives kube-proxy what its informers would deliver; the last call makes it sync.
func feed(proxier proxier, found *cluster) {
	ours := without(apis.LabelServiceProxyName)
	notHeadless := without(v1.IsHeadlessService)
	withClusterIP := fields.OneTermNotEqualSelector("spec.clusterIP", v1.ClusterIPNone)
	if zone, ok := found.node.Labels[v1.LabelTopologyZone]; ok {
		proxier.OnTopologyChange(map[string]string{v1.LabelTopologyZone: zone})
	}
	for _, service := range found.services {
		selectable := fields.Set{"spec.clusterIP": service.Spec.ClusterIP}
		if ours.Matches(labels.Set(service.Labels)) && withClusterIP.Matches(selectable) {
			proxier.OnServiceAdd(service)
		}
	}
	proxier.OnServiceSynced()
	for _, slice := range found.slices {
		if notHeadless.Matches(labels.Set(slice.Labels)) {
			proxier.OnEndpointSliceAdd(slice)
		}
	}
	proxier.OnEndpointSlicesSynced()
}

func without(label string) labels.Selector {
	requirement, err := labels.NewRequirement(label, selection.DoesNotExist, nil)
	if err != nil {
		panic(err)
	}
	return labels.NewSelector().Add(*requirement)
}

// faultyFrame gives the first place in kube-proxy's packages that a stack trace names.
func faultyFrame(stack []byte) string {
	_, below, _ := strings.Cut(string(stack), "panic(")
	for _, line := range strings.Split(below, "\n") {
		if strings.HasPrefix(line, "k8s.io/") {
			name, _, _ := strings.Cut(line, "({")
			return name
		}
	}
	return "an unknown place"
}
