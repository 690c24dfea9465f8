package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Findings are what [Check] finds: problems keep serve from working, warnings do not.
type Findings struct {
	Problems []config.Problem
	Warnings []config.Problem
	Running  string // a proxy that runs with this configuration already, so that its ports were not tried; "": none
}

// Check finds everything that the configuration asks for and this machine does not have: what [CheckFiles] finds,
// certificates that are not valid now, addresses that cannot be opened, and a low limit of open files.
func Check(cfg *config.Config) Findings {
	c := newFileCheck(cfg)
	f := Findings{Problems: append(c.problems, c.expired...), Warnings: cfg.Warnings()}
	if allowed, need := descriptors(cfg); need > allowed {
		f.Warnings = append(f.Warnings, cfg.Problem("limits.connections_per_listener", cfg.Limits.ConnectionsPerListener,
			fmt.Sprintf("may need %d open files, and the system allows %d", need, allowed), "raise RLIMIT_NOFILE (ulimit -n, LimitNOFILE=), or lower the limit"))
	}
	if f.Running = runningProxy(cfg); f.Running == "" {
		f.Problems = append(f.Problems, addressProblems(cfg)...)
	}
	return f
}

// runningTimeout is enough for a proxy on this machine.
const runningTimeout = time.Second

// runningProxy finds a proxy of this configuration, by its admin address or its hand-over socket. Its ports are in use then
// rightly: by the proxy that will reload the file, or hand its ports over.
func runningProxy(cfg *config.Config) string {
	if cfg.HandOver != "" {
		if conn, err := net.DialTimeout("unix", cfg.HandOver, runningTimeout); err == nil {
			conn.Close()
			return "hand_over = " + cfg.HandOver
		}
	}
	scheme := "http"
	if cfg.Admin.Certificate != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(cfg.Admin.Address)
	if err != nil || port == "0" {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	client := &http.Client{Timeout: runningTimeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	}} // no secret is sent
	answer, err := client.Get(scheme + "://" + net.JoinHostPort(host, port) + "/healthz")
	if err != nil {
		return ""
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return ""
	}
	return "admin.address = " + cfg.Admin.Address
}

// addressProblems opens and closes what serve will listen on.
func addressProblems(cfg *config.Config) (list []config.Problem) {
	try := func(key string, value any, address string) {
		if fault, remedy := unopened(address); fault != "" {
			list = append(list, cfg.Problem(key, value, fault, remedy))
		}
	}
	for i := range cfg.Listeners {
		l, at := &cfg.Listeners[i], fmt.Sprintf("listener[%d]", i)
		if l.ReusePort { // they may be shared with a proxy that runs
			continue
		}
		try(at+".address", l.Address, l.Address)
		host, _, _ := net.SplitHostPort(l.Address)
		if !opensSome(host) { // no port of it does, and that is a problem already
			continue
		}
		o, _ := l.PortOptions()
		for _, id := range slices.SortedFunc(maps.Keys(o.Fixed), route.BrokerID.Compare) {
			port := o.Fixed[id]
			try(at+".ports."+id.String(), port, net.JoinHostPort(host, strconv.Itoa(port)))
		}
		if !l.BrokerPorts.Any() && !anyOpens(host, l.BrokerPorts) {
			list = append(list, cfg.Problem(at+".broker_ports", l.BrokerPorts, "none of these ports can be opened", "choose other ports, or end the process that has them"))
		}
	}
	try("admin.address", cfg.Admin.Address, cfg.Admin.Address)
	if cfg.Metrics.Address != "" {
		try("metrics.address", cfg.Metrics.Address, cfg.Metrics.Address)
	}
	return list
}

// unopened says why an address cannot be listened on; "": it can.
func unopened(address string) (fault, remedy string) {
	ln, err := net.Listen("tcp", address)
	if err == nil {
		ln.Close()
		return "", ""
	}
	var system syscall.Errno
	fault = err.Error()
	if errors.As(err, &system) {
		fault = system.Error()
	}
	return "cannot be opened: " + fault, "choose another address, or end the process that has it"
}

// opensSome reports whether a host is one of this machine: then any free port of it can be opened.
func opensSome(host string) bool {
	fault, _ := unopened(net.JoinHostPort(host, "0"))
	return fault == ""
}

// anyOpens reports whether one of the ports can be opened: a broker may have any of them.
func anyOpens(host string, ports config.PortRange) bool {
	for port := ports.First; port <= ports.Last; port++ {
		if fault, _ := unopened(net.JoinHostPort(host, strconv.Itoa(port))); fault == "" {
			return true
		}
	}
	return false
}
