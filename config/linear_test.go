package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/linear"
)

// Loading takes time in proportion to what there is to read and to say, also when much of it is wrong.
func TestLoadingIsLinear(t *testing.T) {
	t.Run("unknown keys", func(t *testing.T) {
		inProportion(t, 300, func(n int) (text string, env []string) {
			return lines(n, "nonsense_%d = 1\n") + minimal, nil
		})
	})
	t.Run("values of a wrong type beside contradictions", func(t *testing.T) {
		inProportion(t, 100, func(n int) (text string, env []string) {
			return minimal + "[listener.ports]\n" + lines(n, "'broker-%[1]d/0' = 'x'\n'other%[1]d' = 20000\n"), nil
		})
	})
	t.Run("variables", func(t *testing.T) {
		inProportion(t, 100, func(n int) (text string, env []string) {
			for i := range n {
				env = append(env, fmt.Sprintf("ROCKETMQ_PROXY_METRICS__PUSH_LABELS__l%d=x", i), fmt.Sprintf("ROCKETMQ_PROXY_NONSENSE%d__A=x", i))
			}
			return minimal, env
		})
	})
	t.Run("clusters and listeners", func(t *testing.T) {
		inProportion(t, 50, func(n int) (text string, env []string) {
			return lines(n, "[[cluster]]\nname = 'c%[1]d'\nname_servers = ['10.0.0.1:9876']\n[[listener]]\nname = 'l%[1]d'\ncluster = 'none'\naddress = '127.0.%[2]d.%[3]d:9876'\n"), nil
		})
	})
}

// Checking takes steps in proportion to the number of tables, whatever they name.
func TestCheckingIsLinear(t *testing.T) {
	const (
		clusters  = "[[cluster]]\nname = 'c%[1]d'\n[[cluster.broker]]\nname = 'b%[1]d'\naddress = '10.0.0.1:10911'\n"
		listeners = "[[listener]]\nname = 'l%[1]d'\ncluster = 'c%[1]d'\naddress = '127.0.0.1:%[4]d'\nbrokers = 'one-port'\nvip_channel = false\n"
		broker    = "[[cluster.broker]]\nname = 'b%[1]d'\naddress = '10.0.0.1:10911'\nmetadata = { zone = 'eu', rack = 'r%[1]d' }\n"
		toRack    = "[[route]]\ntopic = { exact = 't%[1]d' }\ncluster = 'main'\nsubset = { zone = 'eu', rack = 'r%[1]d' }\n"
	)
	for name, text := range map[string]func(n int) string{
		"listeners with a cluster of their own": func(n int) string { return lines(n, clusters+listeners) },
		"routes of one listener each": func(n int) string {
			return lines(n, clusters+listeners+"[[route]]\nlistener = 'l%[1]d'\ntopic = { exact = 't%[1]d' }\ncluster = 'c%[1]d'\n")
		},
		"routes of and to what is missing": func(n int) string {
			return lines(n, clusters+listeners+"[[route]]\nlistener = 'x%[1]d'\ntopic = { exact = 't%[1]d' }\ncluster = 'x%[1]d'\n")
		},
		"routes by headers": func(n int) string {
			return lines(n, clusters+listeners+"[[route]]\nlistener = 'l0'\ntopic = { exact = 't%[1]d' }\nheaders = [{ name = 'group', exact = 'g' }]\ncluster = 'c0'\n")
		},
		"limits of what is missing": func(n int) string {
			return lines(n, clusters+listeners+"[[limit]]\nname = 'm%[1]d'\nlistener = 'x%[1]d'\nin_flight = 1\n")
		},
		"maintenance of what is missing": func(n int) string { return lines(n, clusters+listeners+"[[maintenance]]\ncluster = 'x%[1]d'\n") },
		"subsets": func(n int) string {
			return "[[cluster]]\nname = 'main'\n" + lines(n, broker) + "[[listener]]\n" + lines(n, toRack)
		},
	} {
		t.Run(name, func(t *testing.T) {
			linear.Steps(t, 100, func(n int) func() {
				cfg, err := load(Sources{File: "proxy.toml"}, []byte(text(n)))
				var bad *Problems
				if errors.As(err, &bad) {
					cfg = bad.Config
				}
				return func() { check(cfg) }
			})
		})
	}
}

func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		text := strings.NewReplacer("%[2]d", fmt.Sprint(i/250), "%[3]d", fmt.Sprint(i%250+1), "%[4]d", fmt.Sprint(1000+i), "%[1]d", fmt.Sprint(i), "%d", fmt.Sprint(i)).Replace(format)
		b.WriteString(text)
	}
	return b.String()
}

func inProportion(t *testing.T, n int, make func(n int) (text string, env []string)) {
	t.Helper()
	linear.Cost(t, n, func(n int) func() {
		text, env := make(n)
		return func() { _, _ = load(Sources{File: "proxy.toml", Env: env}, []byte(text)) }
	})
}

// Forty listeners with all ports each, on an address of their own, are looked through at once: what is compared are ranges.
func TestManyListenersWithManyPortsAreChecked(t *testing.T) {
	linear.Cost(t, 10, func(n int) func() {
		cfg := listenersWithAllPorts(n)
		return func() {
			if list := check(cfg); len(list) > 0 {
				t.Fatal(list)
			}
		}
	})
	cfg := listenersWithAllPorts(40)
	calls := 0
	var claims []claim
	for i, s := range cfg.sockets() {
		for _, r := range s.ranges {
			claims = append(claims, claim{r, i})
		}
	}
	collisions(claims, func(a, b int) bool { calls++; return false })
	require.Less(t, calls, 2*40*40)
}

func listenersWithAllPorts(n int) *Config {
	cfg := valid(0)
	for i := range n {
		l := DefaultListener()
		l.Name, l.Address, l.BrokerPorts = fmt.Sprintf("l%d", i), fmt.Sprintf("127.0.1.%d:9876", i+1), PortRange{10000, 65000}
		cfg.Listeners = append(cfg.Listeners, l)
	}
	cfg.Complete()
	return cfg
}

// Every pair of sockets that want one port is told once, with the first port that both want.
func TestEveryCollisionIsTold(t *testing.T) {
	cfg := valid(0)
	for i, ports := range []PortRange{{20000, 20999}, {20500, 21999}, {20900, 22999}} {
		l := DefaultListener()
		l.Name, l.Address, l.BrokerPorts, l.VIPChannel = fmt.Sprintf("l%d", i), fmt.Sprintf("127.0.0.1:%d", 9001+i), ports, false
		cfg.Listeners = append(cfg.Listeners, l)
	}
	cfg.Complete()
	const behind = "; give each ports of its own"
	require.EqualError(t, Validate(cfg), strings.Join([]string{
		`cannot use listener[1].broker_ports = "20500-21999" of listener "l1": needs port 20500, which belongs to the brokers of listener "l0"` + behind,
		`cannot use listener[2].broker_ports = "20900-22999" of listener "l2": needs port 20900, which belongs to the brokers of listener "l0"` + behind,
		`cannot use listener[2].broker_ports = "20900-22999" of listener "l2": needs port 20900, which belongs to the brokers of listener "l1"` + behind,
	}, "\n"))
}
