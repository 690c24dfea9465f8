package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// DevOptions are the addresses of the development server.
type DevOptions struct {
	Listen    string // what clients use as their name server
	Admin     string
	CheckOnly bool // end after the self-check
}

// devPatience bounds the start and the self-check of dev; both take milliseconds.
const devPatience = 20 * time.Second

// Dev serves an embedded RocketMQ behind the proxy. It first sends, pulls, pops and acks a message through the proxy
// and prints what it saw to out. It returns nil after a clean end, an error when the check fails.
func Dev(ctx context.Context, opts DevOptions, log *slog.Logger, out io.Writer, stopNow <-chan struct{}, with ...Option) error {
	begun := time.Now()
	cluster, err := embedded.Start(embedded.Options{Logger: log})
	if err != nil {
		return fmt.Errorf("cannot start the embedded RocketMQ: %w", err)
	}
	defer cluster.Close()
	cfg := devConfig(opts, cluster.NameServers())
	if err := config.Validate(cfg); err != nil {
		return err
	}
	s, err := Start(cfg, log, with...)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, stopNow) }()
	if err := s.awaitReady(ctx, served); err != nil {
		return err
	}
	broker := cluster.Broker("broker-a")
	fmt.Fprintf(out, "embedded RocketMQ: name server %s, %s on %s\n", cluster.NameServers()[0], "broker-a", broker.Addr())
	fmt.Fprintf(out, "proxy: name-server address %s, admin http://%s\n", s.Addr(devName), s.AdminAddr())
	if err := s.selfCheck(out, broker.Addr()); err != nil {
		end()
		<-served
		return fmt.Errorf("self-check failed: %w", err)
	}
	fmt.Fprintf(out, "self-check passed, %d ms after the start\n", time.Since(begun).Milliseconds())
	if opts.CheckOnly {
		end()
		return <-served
	}
	fmt.Fprintf(out, "\nUse %s as the name server address of any RocketMQ client. Ctrl-C ends it.\n", s.Addr(devName))
	return <-served
}

const devName = "dev"

func devConfig(opts DevOptions, nameServers []string) *config.Config {
	cfg := config.Default()
	cluster := config.DefaultCluster()
	cluster.Name, cluster.NameServers = devName, nameServers
	listener := config.DefaultListener()
	listener.Name, listener.Address, listener.Cluster = devName, opts.Listen, devName
	listener.BrokerPorts, listener.VIPChannel = config.PortRange{}, false
	cfg.Clusters, cfg.Listeners = []config.Cluster{cluster}, []config.Listener{listener}
	cfg.Admin.Address = opts.Admin
	cfg.DrainTimeout = time.Second
	cfg.Complete()
	return cfg
}

// awaitReady waits until the proxy serves.
func (s *Server) awaitReady(ctx context.Context, served <-chan error) error {
	late := time.After(devPatience)
	for !s.Ready() {
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
			return <-served
		case <-late:
			return fmt.Errorf("the proxy is not ready after %s: %v", devPatience, s.notReady())
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}
