package main

import (
	"encoding/json"
	"io"
	"k8s.io/apimachinery/pkg/runtime"
	k "k8s.io/apimachinery/pkg/util/yaml"
	"os"
	"strings"
)

func main() {
	var rows []string
	if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
		panic(err)
	}
	type row struct {
		Text   string            `json:"text"`
		Values []json.RawMessage `json:"values"`
		Error  string            `json:"error,omitempty"`
	}
	out := []row{}
	for _, r := range rows {
		x := row{Text: r, Values: []json.RawMessage{}}
		d := k.NewYAMLOrJSONDecoder(strings.NewReader(r), 4096)
		for i := 0; i < 50; i++ {
			ext := runtime.RawExtension{}
			if err := d.Decode(&ext); err != nil {
				if err != io.EOF {
					x.Error = err.Error()
				}
				break
			}
			if len(ext.Raw) > 0 && string(ext.Raw) != "null" {
				x.Values = append(x.Values, json.RawMessage(ext.Raw))
			}
		}
		out = append(out, x)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	e.Encode(out)
}
