package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	discoveryv1beta1 "k8s.io/api/discovery/v1beta1"
	kp "k8s.io/kube-proxy/config/v1alpha1"
)

var out = map[string]map[string]string{}

func name(t reflect.Type) string {
	p := t.PkgPath()
	if p == "" {
		return t.Name()
	}
	if strings.HasSuffix(p, "discovery/v1beta1") {
		return "v1beta1." + t.Name()
	}
	return t.Name()
}

func text(t reflect.Type) string {
	switch t.String() {
	case "v1.Time", "v1.MicroTime", "v1.Duration", "resource.Quantity", "resource.QuantityValue", "intstr.IntOrString", "v1.FieldsV1", "runtime.RawExtension":
		return t.Name()
	}
	switch t.Kind() {
	case reflect.Ptr:
		return text(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + text(t.Elem())
	case reflect.Map:
		return "map[" + t.Key().Kind().String() + "]" + text(t.Elem())
	case reflect.Struct:
		walk(t)
		return name(t)
	}
	return t.Kind().String()
}

func walk(t reflect.Type) {
	n := name(t)
	if _, ok := out[n]; ok {
		return
	}
	m := map[string]string{}
	out[n] = m
	add(t, m)
}

func add(t reflect.Type, m map[string]string) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("json")
		parts := strings.Split(tag, ",")
		if f.Anonymous && (!ok || parts[0] == "") {
			add(f.Type, m)
			continue
		}
		if parts[0] == "-" || f.PkgPath != "" {
			continue
		}
		if parts[0] == "" {
			parts[0] = f.Name
		}
		m[parts[0]] = text(f.Type)
	}
}

func main() {
	for _, v := range []any{corev1.Service{}, corev1.Endpoints{}, corev1.Node{}, corev1.Pod{}, corev1.Namespace{}, corev1.ConfigMap{}, discoveryv1.EndpointSlice{}, discoveryv1beta1.EndpointSlice{}, kp.KubeProxyConfiguration{}} {
		walk(reflect.TypeOf(v))
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", " ")
	e.Encode(out)
}
