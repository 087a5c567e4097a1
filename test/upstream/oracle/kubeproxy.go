package main

import (
	"net"
	_ "unsafe" // for the linker names below

	"context"

	v1 "k8s.io/api/core/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-proxy/app"
	proxyconfig "k8s.io/kubernetes/pkg/proxy/apis/config"
	proxyutil "k8s.io/kubernetes/pkg/proxy/util"
	utilnode "k8s.io/kubernetes/pkg/util/node"
)

// The steps of kube-proxy's own start-up that it does not export.

//go:linkname loadConfig k8s.io/kubernetes/cmd/kube-proxy/app.(*Options).loadConfig
func loadConfig(options *app.Options, text []byte) (*proxyconfig.KubeProxyConfiguration, error)

//go:linkname platformApplyDefaults k8s.io/kubernetes/cmd/kube-proxy/app.(*Options).platformApplyDefaults
func platformApplyDefaults(options *app.Options, config *proxyconfig.KubeProxyConfiguration)

//go:linkname detectNodeIPs k8s.io/kubernetes/cmd/kube-proxy/app.detectNodeIPs
func detectNodeIPs(ctx context.Context, found []net.IP, bindAddress string) (v1.IPFamily, map[v1.IPFamily]net.IP)

//go:linkname expandNodePortAddressKeywords k8s.io/kubernetes/cmd/kube-proxy/app.expandNodePortAddressKeywords
func expandNodePortAddressKeywords(written []string, nodeIPs map[v1.IPFamily]net.IP) []string

//go:linkname getLocalDetectors k8s.io/kubernetes/cmd/kube-proxy/app.getLocalDetectors
func getLocalDetectors(logger klog.Logger, primary v1.IPFamily, config *proxyconfig.KubeProxyConfiguration, podCIDRs []string) map[v1.IPFamily]proxyutil.LocalTrafficDetector

// start is what kube-proxy knows when it makes its proxiers.
type start struct {
	config    *proxyconfig.KubeProxyConfiguration
	nodeIPs   map[v1.IPFamily]net.IP
	detectors map[v1.IPFamily]proxyutil.LocalTrafficDetector
}

// startUp goes from a configuration file's bytes to that; an error is kube-proxy's refusal to start.
func startUp(text []byte, node *v1.Node) (*start, error) {
	options := app.NewOptions()
	config, err := loadConfig(options, text)
	if err != nil {
		return nil, err
	}
	field[*proxyconfig.KubeProxyConfiguration](options, "config").set(config)
	platformApplyDefaults(options, config)
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(config.FeatureGates); err != nil {
		return nil, err
	}
	if err := options.Validate(); err != nil {
		return nil, err
	}
	// a Node without any usable address is an error upstream retries and then goes on without
	found, _ := utilnode.GetNodeHostIPs(node)
	primary, nodeIPs := detectNodeIPs(context.Background(), found, config.BindAddress)
	config.NodePortAddresses = expandNodePortAddressKeywords(config.NodePortAddresses, nodeIPs)
	return &start{config, nodeIPs, getLocalDetectors(klog.Background(), primary, config, node.Spec.PodCIDRs)}, nil
}

// keepFeatureGates gives back a function that undoes what a configuration changes in the process-wide gates.
func keepFeatureGates() func() {
	before := map[string]bool{}
	for name := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		before[string(name)] = utilfeature.DefaultFeatureGate.Enabled(name)
	}
	return func() {
		for name, enabled := range before {
			if utilfeature.DefaultFeatureGate.Enabled(featuregate.Feature(name)) != enabled {
				_ = utilfeature.DefaultMutableFeatureGate.SetFromMap(map[string]bool{name: enabled})
			}
		}
	}
}
