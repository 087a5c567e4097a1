package main

import (
	"encoding/json"
	"os"
	"sigs.k8s.io/yaml"
)

func main() {
	var rows []string
	if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
		panic(err)
	}
	type row struct {
		YAML   string          `json:"yaml"`
		JSON   json.RawMessage `json:"json,omitempty"`
		Error  string          `json:"error,omitempty"`
		Strict string          `json:"strict,omitempty"`
	}
	out := []row{}
	for _, r := range rows {
		j, err := yaml.YAMLToJSON([]byte(r))
		x := row{YAML: r}
		if err != nil {
			x.Error = err.Error()
		} else {
			x.JSON = j
			if _, err := yaml.YAMLToJSONStrict([]byte(r)); err != nil {
				x.Strict = err.Error()
			}
		}
		out = append(out, x)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	e.Encode(out)
}
