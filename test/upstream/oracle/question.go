package main

import (
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
)

// question is one cluster as one node sees it.
type question struct {
	Config  json.RawMessage   `json:"config"`
	Node    string            `json:"nodeName"`
	Host    hostFacts         `json:"host"`
	Objects []json.RawMessage `json:"objects"`
	// Mode to run in, instead of the configuration's: empty for iptables.
	Mode string `json:"mode"`
	// Times to start over and ask again: where a map's order shows, the answers differ.
	Times int `json:"times"`
}

type hostFacts struct {
	Interfaces          []networkInterface `json:"interfaces"`
	NFAcct              bool               `json:"nfacct"`
	ConntrackTCPLiberal bool               `json:"conntrackTCPLiberal"`
}

type networkInterface struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
}

type answer struct {
	// Refused holds kube-proxy's words when it would not start with this configuration.
	Refused string `json:"refused,omitempty"`
	// Failed holds what went wrong in kube-proxy or here.
	Failed string `json:"failed,omitempty"`
	// Runs hold, by family, what was synced, and in ipvs mode what both families made of the node.
	Runs []map[string]any `json:"runs,omitempty"`
}

// synced is what the first full sync of one family did.
type synced struct {
	Commands    []string                `json:"commands"`
	Restore     string                  `json:"restore"`
	HealthCheck map[string]healthAnswer `json:"healthCheck"`
}

// nodeAnswer is what ipvs mode makes beside iptables.
type nodeAnswer struct {
	Servers   string   `json:"ipvsadm-Sn"`
	Sets      ipSets   `json:"ipsets"`
	Addresses []string `json:"kube-ipvs0"`
	Sysctls   sysctls  `json:"sysctls"`
}

type healthAnswer struct {
	Port           uint16 `json:"port"`
	LocalEndpoints int    `json:"localEndpoints"`
}

// cluster holds the decoded objects that a kube-proxy looks at.
type cluster struct {
	services []*v1.Service
	slices   []*discovery.EndpointSlice
	node     *v1.Node
}

func decodeCluster(asked *question) (*cluster, error) {
	found := &cluster{}
	for i, raw := range asked.Objects {
		var head struct {
			Kind string `json:"kind"`
		}
		err := json.Unmarshal(raw, &head)
		switch {
		case err != nil:
		case head.Kind == "Service":
			service := &v1.Service{}
			err = json.Unmarshal(raw, service)
			found.services = append(found.services, service)
		case head.Kind == "EndpointSlice":
			slice := &discovery.EndpointSlice{}
			err = json.Unmarshal(raw, slice)
			found.slices = append(found.slices, slice)
		case head.Kind == "Node":
			node := &v1.Node{}
			err = json.Unmarshal(raw, node)
			if node.Name == asked.Node {
				found.node = node
			}
		default:
			err = fmt.Errorf("the kind %q is not known here", head.Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", i, err)
		}
	}
	if found.node == nil {
		return nil, fmt.Errorf("no Node is called %q", asked.Node)
	}
	return found, nil
}
