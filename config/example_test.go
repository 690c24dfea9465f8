package config

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write proxy.example.toml anew")

const exampleFile = "../proxy.example.toml"

const exampleHead = `# Every key of rocketmq-proxy with its default. Keep the lines that you change; the others may go.
#
#   rocketmq-proxy check --config proxy.toml     reports all problems of a file at once
#   rocketmq-proxy config --config proxy.toml    prints the configuration in effect and where each value came from
#
# The environment overrides the file: ROCKETMQ_PROXY_ADMIN__ADDRESS is admin.address, ROCKETMQ_PROXY_LISTENER__0__ADDRESS
# the address of the first listener. Flags override both.
#
# Written by "go test ./config -update" from config/config*.go and config/defaults.go.

`

// The example is what the code says: comments of fields, defaults, nothing by hand.
func TestExampleIsGenerated(t *testing.T) {
	text := renderExample(t)
	if *update {
		require.NoError(t, os.WriteFile(exampleFile, []byte(text), 0o644))
	}
	stored, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	require.Equal(t, text, string(stored), "run go test ./config -update")
}

// Loading the example gives the defaults, and nothing else.
func TestExampleEqualsDefaults(t *testing.T) {
	got, err := Load(Sources{File: exampleFile})
	require.NoError(t, err)
	want := exampleConfig()
	want.Listeners[0].Ports, want.Clusters[0].Brokers, want.Routes, want.Maintenance, want.RequestLimits = nil, nil, nil, nil, nil
	want.Complete()
	got.origins, want.origins = nil, nil
	require.Equal(t, want, got)
}

// A key that the example lacks is a key that nobody finds.
func TestExampleHasEveryKey(t *testing.T) {
	stored, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	var visit func(table reflect.Type)
	visit = func(table reflect.Type) {
		for key, f := range keysOf(table) {
			if f.Type.Kind() == reflect.Slice && !inline(f.Type.Elem()) || f.Type.Kind() == reflect.Struct && !inline(f.Type) && f.Type != reflect.TypeFor[PortRange]() {
				if below := f.Type; below.Kind() == reflect.Struct {
					visit(below)
				} else if below.Elem().Kind() == reflect.Struct {
					visit(below.Elem())
				}
			}
			require.Regexp(t, `(?m)^(# )?(`+key+` = |\[+([a-z]+\.)?`+key+`\]+$)`, string(stored))
		}
	}
	visit(reflect.TypeFor[Config]())
}

// exampleConfig is the defaults with one entry in each list.
func exampleConfig() *Config {
	cfg := Default()
	cluster, listener := DefaultCluster(), DefaultListener()
	cluster.NameServers = []string{"10.0.0.1:9876", "10.0.0.2:9876"}
	listener.Ports = map[string]int{"broker-a/0": 20000}
	broker := DefaultBroker()
	broker.Address = "10.0.0.5:10911"
	cluster.Brokers = []Broker{broker}
	route := DefaultRoute()
	route.Topic.Prefix, route.Cluster = "order-", cluster.Name
	cfg.Routes = []Route{route}
	maintenance := DefaultMaintenance()
	maintenance.Cluster = cluster.Name
	cfg.Maintenance = []Maintenance{maintenance}
	limit := DefaultLimit()
	limit.Name, limit.Topic.Exact, limit.RequestsPerSecond = "orders", "orders", 1000
	cfg.RequestLimits = []Limit{limit}
	cfg.Clusters, cfg.Listeners = []Cluster{cluster}, []Listener{listener}
	return cfg
}

// renderExample writes the defaults with the comments of the fields. What has no default is commented out.
func renderExample(t *testing.T) string {
	comments := fieldComments(t)
	r := renderer{
		above: func(path string, owner reflect.Type, f reflect.StructField) string {
			return "\n" + comments[owner.Name()+"."+f.Name]
		},
		behind: func(string) string { return "" },
	}
	r.table("", reflect.ValueOf(exampleConfig()).Elem())
	text := strings.TrimLeft(r.out.String(), "\n")
	text = regexp.MustCompile(`\n{3,}`).ReplaceAllString(text, "\n\n")
	text = regexp.MustCompile(`(?m)(^\[.*\n)\n`).ReplaceAllString(text, "$1")
	return exampleHead + commentOut(text, "[listener.ports]", "[[cluster.broker]]", "[[route]]", "[[maintenance]]", "[[limit]]")
}

// commentOut puts # before the tables with these headers.
func commentOut(text string, headers ...string) string {
	var out []string
	inside := false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "[") {
			inside = false
		}
		for _, h := range headers {
			inside = inside || line == h
		}
		if inside && line != "" && !strings.HasPrefix(line, "#") {
			line = "# " + line
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// fieldComments are the doc comments of the structs' fields, by "Struct.Field", as TOML comments.
func fieldComments(t *testing.T) map[string]string {
	files, err := filepath.Glob("config*.go")
	require.NoError(t, err)
	comments := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		commentsIn(t, file, comments)
	}
	return comments
}

func commentsIn(t *testing.T, file *ast.File, comments map[string]string) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			if f.Tag == nil {
				continue
			}
			text := strings.TrimSpace(f.Doc.Text())
			require.NotEmpty(t, text, "%s.%s has no comment", spec.Name, f.Names[0])
			comments[spec.Name.Name+"."+f.Names[0].Name] = "# " + strings.ReplaceAll(text, "\n", "\n# ") + "\n"
		}
		return false
	})
}
