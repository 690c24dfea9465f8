package convert

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gotoml "github.com/pelletier/go-toml/v2"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

var update = flag.Bool("update", false, "write the expected results anew")

// examples are the documents of testdata, by name, without their endings.
func examples(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		names = append(names, strings.TrimSuffix(file, ".yaml"))
	}
	return names
}

// The examples become what stands beside them.
func TestExamplesAreConverted(t *testing.T) {
	for _, name := range examples(t) {
		doc, err := os.ReadFile(name + ".yaml")
		require.NoError(t, err)
		got, err := Envoy(doc)
		require.NoError(t, err, name)
		if *update {
			require.NoError(t, os.WriteFile(name+".toml", []byte(got), 0o644))
		}
		want, err := os.ReadFile(name + ".toml")
		require.NoError(t, err)
		require.Equal(t, string(want), got, name)
	}
}

// minimal is the smallest document that can be converted, with something in place of a part of it.
func minimal(old, replacement string) string {
	const text = `
static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, port_value: 9876 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.rocketmq_proxy
        typed_config:
          stat_prefix: p
          route_config: { routes: [ { match: { topic: { prefix: "" } }, route: { cluster: c } } ] }
  clusters:
  - name: c
    load_assignment: { endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: h, port_value: 1 } } } } ] } ] }
`
	return strings.Replace(text, old, replacement, 1)
}

// What is wrong is told with its place, and there is no result.
func TestWrongInputIsRefusedWithItsPlace(t *testing.T) {
	const route, topic, name = `static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.routes[0]`, `{ prefix: "" }`, "cluster: c"
	for _, c := range []struct{ doc, says string }{
		{"", "is empty"},
		{"a: [", "cannot read the document"},
		{"\x00", "cannot read the document"},
		{"just a text", "the document: must be a table"},
		{"[1, 2]", "the document: must be a table"},
		{"1: 2", "the document: must be a table"},
		{"a: 1\n---\nb: 2", "more than one"},
		{"a: 1\n---\nb: [", "correct it first"},
		{strings.Replace(minimal("", ""), "\n", "", 1) + "---\n}", "correct it first"},
		{"admin: {}", "static_resources: is missing"},
		{"static_resources: []", "static_resources: must be a table"},
		{"static_resources: { listeners: { a: b } }", "static_resources.listeners: must be a list"},
		{"static_resources: { listeners: [ null ] }", "static_resources.listeners[0]: is empty"},
		{"static_resources: { listeners: [] }", "there is nothing to convert"},
		{minimal("stat_prefix: p", "stat_prefix: 7"), "typed_config.stat_prefix: must be a string"},
		{minimal("stat_prefix: p", "develop_mode: true"), "typed_config.stat_prefix: is missing"},
		{minimal("stat_prefix: p", "stat_prefix: p\n          statPrefix: q"), "is there twice"},
		{minimal("stat_prefix: p", "stat_prefix: p\n          develop_mode: yes please"), "develop_mode: must be true or false"},
		{minimal("stat_prefix: p", "stat_prefix: p\n          transient_object_life_span: 30"), "must be a table"},
		{minimal("stat_prefix: p", "stat_prefix: p\n          transient_object_life_span: 5m"), `such as "30s"`},
		{minimal("stat_prefix: p", "stat_prefix: p\n          transient_object_life_span: { seconds: -1 }"), "a whole number from 0"},
		{minimal("port_value: 9876", "port_value: 98765"), "from 0 to 65535"},
		{minimal("port_value: 9876", "port_value: nine"), "from 0 to 65535"},
		{minimal("port_value: 9876", "named_port: http"), "must have an address and a port_value"},
		{minimal("{ socket_address: { address: 127.0.0.1, port_value: 9876 } }", "{ pipe: { path: /x } }"), "must have a socket_address"},
		{minimal(topic, `{ prefix: a, exact: b }`), route + ".match.topic: must have exactly one of"},
		{minimal(topic, `{}`), route + ".match.topic: must have exactly one of"},
		{minimal(topic, `{ safe_regex: { regex: "(" } }`), "topic.safe_regex.regex: must be a regular expression"},
		{minimal(topic, `a`), route + ".match.topic: must be a table"},
		{minimal(topic+" }", topic+` , headers: [ { exact_match: "1" } ] }`), route + ".match.headers[0].name: is missing"},
		{minimal(topic+" }", topic+` , headers: [ { name: code, exact_match: "1", present_match: true } ] }`), "at most one kind"},
		{minimal(topic+" }", topic+` , headers: [ { name: code, range_match: { start: 1.5, end: 2 } } ] }`), "range_match.start: must be a whole number"},
		{minimal(name, `weighted_clusters: {}`), route + ".route.cluster: is missing"},
		{minimal("routes: [", "routes: [], none: ["), "routes: is empty"},
		{minimal("  - name: c", "  - name: c\n  - name: c"), "has the name of another cluster"},
		{minimal("endpoint: {", "endpoint_name: {"), "lb_endpoints[0]: must have endpoint.address"},
		{minimal("  - name: c", "  - name: c\n    transport_socket: { name: quic }"), "transport_socket: is \"quic\", which has no counterpart"},
		{strings.Repeat(" ", MaxDocument+1), "longer than"},
	} {
		got, err := Envoy([]byte(c.doc))
		require.Empty(t, got)
		require.ErrorContains(t, err, c.says, "%.300s", c.doc)
	}
}

// JSON that protocol buffers have written has other names for the same, and numbers in quotes.
func TestCamelCaseMeansTheSame(t *testing.T) {
	camel := strings.NewReplacer("static_resources", "staticResources", "stat_prefix", "statPrefix", "port_value: 9876", `portValue: "9876"`,
		"filter_chains", "filterChains", "load_assignment", "loadAssignment", "lb_endpoints", "lbEndpoints", "route_config", "routeConfig")
	want, err := Envoy([]byte(minimal("", "")))
	require.NoError(t, err)
	got, err := Envoy([]byte(camel.Replace(minimal("", ""))))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// A document that expands to billions of values is refused at once, and so is one that contains itself or is very deep.
func TestAliasesCannotGrowWithoutBound(t *testing.T) {
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 10; i++ {
		last := string(rune('0' + i - 1))
		bomb += "a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.TrimSuffix(strings.Repeat("*a"+last+",", 10), ",") + "]\n"
	}
	for name, doc := range map[string]string{
		"bomb":  bomb,
		"self":  "a: &a [*a]",
		"merge": "a: &a { <<: *a }",
		"deep":  strings.Repeat("[", 100_000),
		"keys":  strings.Repeat("{a: ", 20_000),
	} {
		begun := time.Now()
		_, err := Envoy([]byte(doc))
		require.Error(t, err, name)
		require.Less(t, time.Since(begun), 10*time.Second, name)
		require.Less(t, len(err.Error()), 1000, name)
	}
}

// Aliases within bounds are what YAML is used for.
func TestAliasesAreExpanded(t *testing.T) {
	got, err := Envoy([]byte(strings.Replace(minimal("name: l", "name: &n l"), "stat_prefix: p", "stat_prefix: *n", 1)))
	require.NoError(t, err)
	require.Contains(t, got, `stat_prefix = "l"`)
}

// Whatever the names hold, the result is TOML, and its comments stay comments.
func TestNamesCannotBreakTheResult(t *testing.T) {
	for _, name := range []string{`"a\nb = 1"`, `"\"]\n[x]"`, `"\u2028\u0085\x7f"`, `"..."`, `""`, `"` + strings.Repeat("x", 5000) + `"`, `!!binary "/////w=="`} {
		doc := strings.ReplaceAll(minimal("name: l", "name: "+name), "cluster: c", "cluster: "+name)
		doc = strings.Replace(doc, "- name: c", "- name: "+name, 1)
		got, err := Envoy([]byte(doc))
		if err != nil { // a cluster needs a name
			continue
		}
		var parsed map[string]any
		require.NoError(t, gotoml.Unmarshal([]byte(got), &parsed), got)
		require.ElementsMatch(t, []string{"cluster", "listener"}, keys(parsed), got)
	}
}

func keys(table map[string]any) (names []string) {
	for name := range table {
		names = append(names, name)
	}
	return names
}

// Routes behind one for every topic can never match, which check would refuse.
func TestRoutesThatCannotMatchAreLeftOut(t *testing.T) {
	got, err := Envoy([]byte(minimal("route: { cluster: c } }", `route: { cluster: c } }, { match: { topic: { exact: x } }, route: { cluster: d } }`)))
	require.NoError(t, err)
	require.NotContains(t, got, "[[route]]")
	require.Contains(t, got, "routes were left out behind the one for every topic")
}

func FuzzEnvoy(f *testing.F) {
	for _, name := range []string{"testdata/one-cluster.yaml", "testdata/routes.yaml"} {
		doc, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(doc)
	}
	f.Add([]byte(minimal("", "")))
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := Envoy(doc)
		if err != nil {
			require.Empty(t, got)
			return
		}
		var parsed map[string]any
		require.NoError(t, gotoml.Unmarshal([]byte(got), &parsed), got)
	})
}

// The examples of the documentation are those of testdata.
func TestDocumentationHasTheExamples(t *testing.T) {
	page, err := os.ReadFile("../docs/FROM-ENVOY.md")
	require.NoError(t, err)
	for _, name := range examples(t) {
		result, err := os.ReadFile(name + ".toml")
		require.NoError(t, err)
		require.Contains(t, string(page), "```\n"+string(result)+"```\n", name)
	}
}

// What comes out is what the proxy reads, once the name servers are filled in that only the reader knows.
func TestExamplesCanBeLoaded(t *testing.T) {
	for _, name := range examples(t) {
		result, err := os.ReadFile(name + ".toml")
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "proxy.toml")
		complete := strings.ReplaceAll(string(result), "name_servers = []", `name_servers = ["10.0.0.9:9876"]`)
		require.NoError(t, os.WriteFile(file, []byte(complete), 0o600))
		cfg, err := config.Load(config.Sources{File: file})
		require.NoError(t, err, name)
		require.Equal(t, config.OnePort, cfg.Listeners[0].Brokers)
		if complete != string(result) {
			require.NoError(t, os.WriteFile(file, result, 0o600))
			_, err = config.Load(config.Sources{File: file})
			require.ErrorContains(t, err, "name_servers", "check asks for them")
		}
	}
}
