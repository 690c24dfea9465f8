package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// twoClusters is the part of a file that routes need.
const twoClusters = `
[[cluster]]
name = "a"
name_servers = ["10.0.0.1:9876"]
[[cluster]]
name = "b"
[[cluster.broker]]
name = "b1"
address = "10.0.0.2:10911"
metadata = { zone = "eu" }
[[cluster]]
name = "c"
[[cluster.broker]]
name = "b1"
address = "10.0.0.3:10911"
[[listener]]
name = "office"
address = "127.0.0.1:9876"
cluster = "a"
[[listener]]
name = "home"
address = "127.0.0.1:9877"
broker_ports = "22000-22999"
cluster = "a"
`

func TestRoutesAreChecked(t *testing.T) {
	f := func(tables string, want ...string) {
		t.Helper()
		_, err := Load(Sources{File: write(t, twoClusters+tables)})
		if len(want) == 0 {
			require.NoError(t, err)
			return
		}
		for _, part := range want {
			require.ErrorContains(t, err, part)
		}
	}
	const toB = "\ncluster = 'b'\n"
	f("[[route]]" + toB)
	f("[[route]]\nlistener = 'office'\ntopic = { prefix = 'order-', ignore_case = true }\ndrain_from = 'a'\nsubset = { zone = 'eu' }" + toB)
	f("[[route]]\nheaders = [{ name = 'language', exact = 'GO', invert = true }, { name = 'version', range = { start = 317, end = 401 } }]" + toB)

	f("[[route]]\ncluster = 'x'", `route[0].cluster = "x"`, "no [[cluster]] has that name", "write one of a, b, c")
	f("[[route]]\n", `route[0].cluster = ""`, "a route needs a cluster")
	f("[[route]]\ndrain_from = 'x'"+toB, `route[0].drain_from = "x"`, "no [[cluster]] has that name")
	f("[[route]]\ndrain_from = 'b'"+toB, "is the cluster that the topics are in")
	f("[[route]]\nlistener = 'x'"+toB, `route[0].listener = "x"`, "no [[listener]] has that name", "home, office")
	f("[[route]]\ntopic = { exact = 'a', prefix = 'a' }"+toB, `route[0].topic = { exact = "a", prefix = "a" }`, "more than one matcher")
	f("[[route]]\ntopic = { ignore_case = true }"+toB, "route[0].topic", "nothing to match with")
	f("[[route]]\nheaders = [{ name = 'language' }]"+toB, "route[0].headers[0]", "nothing to match with")
	f("[[route]]\nheaders = [{ exact = 'GO' }]"+toB, "route[0].headers[0].name", "a header needs a name")
	f("[[route]]\ntopic = { regex = 'a(' }"+toB, `route[0].topic.regex = "a("`, "is not a regular expression", "missing closing )")
	f("[[route]]\nheaders = [{ name = 'version', range = { start = 5, end = 5 } }]"+toB, "route[0].headers[0].range", "no number lies in it")
	f("[[route]]\ntopic = { range = { start = 1, end = 5 } }"+toB, "a topic has no range")
	f("[[route]]\ntopic = { exat = 'a' }"+toB, "route[0].topic.exat", "unknown key", "did you mean exact?")
	f("[[route]]\ntopic = { prefix = '%RETRY%' }"+toB, "never matches: topics of groups")
	f("[[route]]\nheaders = [{ name = 'code', exact = '310' }]"+toB, `route[0].headers[0].name = "code"`, "not in a request for a route", "one-port")
	f("[[route]]\nsubset = { zone = 'us' }"+toB, `route[0].subset = { zone = "us" }`, "no broker of cluster \"b\" has such metadata")
	f("[[route]]\nsubset = { zone = 'eu' }\ncluster = 'a'", "route[0].subset", "has name servers")
	f("[[route]]\ntopic = { exact = 'x' }\ncluster = 'c'\n[[route]]"+toB, `cluster[2].broker[0].name = "b1"`, "another cluster behind listener", "rename one of them")
	f("[[route]]\ntopic = { exact = 'x' }\nlistener = 'home'\ncluster = 'c'\n[[route]]\nlistener = 'office'" + toB) // no listener has both
}

func TestARouteThatAnEarlierOneHidesIsAnError(t *testing.T) {
	f := func(first, second string, hidden bool) {
		t.Helper()
		_, err := Load(Sources{File: write(t, twoClusters+"[[route]]\ncluster = 'b'\n"+first+"\n[[route]]\ncluster = 'a'\n"+second)})
		if !hidden {
			require.NoError(t, err)
			return
		}
		require.ErrorContains(t, err, "route[1]: never matches: route[0] takes every request before it")
		require.ErrorContains(t, err, "write route[1] above route[0], or remove it")
	}
	f("", "topic = { exact = 'x' }", true)
	f("topic = { prefix = 'order' }", "topic = { exact = 'orders' }", true)
	f("topic = { prefix = 'order' }", "topic = { exact = 'orders' }\nheaders = [{ name = 'language', exact = 'GO' }]", true)
	f("topic = { exact = 'x' }", "topic = { exact = 'x' }", true)
	f("topic = { exact = 'x' }\nlistener = 'office'", "topic = { exact = 'x' }\nlistener = 'office'", true)
	f("topic = { exact = 'x' }", "topic = { exact = 'x' }\nlistener = 'office'", true)
	f("topic = { exact = 'x' }\nlistener = 'office'", "topic = { exact = 'x' }", false)
	f("topic = { exact = 'x' }\nlistener = 'office'", "topic = { exact = 'x' }\nlistener = 'home'", false)
	f("topic = { exact = 'orders' }", "topic = { prefix = 'order' }", false)
	f("topic = { regex = 'a+' }", "topic = { regex = 'aa*' }", false)
	f("topic = { regex = 'a+' }", "topic = { exact = 'aaa' }", true)
	f("headers = [{ name = 'language', exact = 'GO' }]", "topic = { exact = 'x' }", false)
}

// A reload sees the routes as one value: their order counts.
func TestDiffOfRoutes(t *testing.T) {
	old, next := Default(), Default()
	a, b := DefaultRoute(), DefaultRoute()
	a.Topic.Prefix, a.Cluster = "order-", "a"
	b.Headers, b.Cluster = []HeaderMatcher{{Name: "language", Matcher: Matcher{Exact: "GO"}}}, "b"
	old.Routes, next.Routes = []Route{a}, []Route{b, a}
	changes := Diff(old, next)
	require.Len(t, changes, 1)
	require.Equal(t, `route: [{ topic = { prefix = "order-" }, cluster = "a" }] → [{ headers = [{ name = "language", exact = "GO" }], cluster = "b" }, { topic = { prefix = "order-" }, cluster = "a" }]`, changes[0].String())
}
