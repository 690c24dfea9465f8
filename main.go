// Command rocketmq-proxy is a proxy between RocketMQ clients and brokers.
//
//	rocketmq-proxy serve --config proxy.toml            run the proxy
//	rocketmq-proxy serve --name-server host:port        the same without a file
//	rocketmq-proxy dev                                  name server, broker and proxy on 127.0.0.1, for development
//	rocketmq-proxy check --config proxy.toml [--dial]   report all problems of a configuration
//	rocketmq-proxy config --config proxy.toml           print the configuration in effect and where it came from
//	rocketmq-proxy convert ENVOY.yaml                   print the configuration for an Envoy RocketMQ filter
//	rocketmq-proxy health [--admin URL]                 exit with 0 if and only if a running proxy is ready
//	rocketmq-proxy version
//
// SIGTERM and SIGINT drain; another one, more than a second later, stops at once. SIGHUP makes serve read its
// configuration again. The exit code is 0 after a clean end, 1 after a failure at run time, 2 after bad usage or a bad
// configuration.
//
// Each command is a file; this one holds what they share: streams, exit codes and what is printed when one fails.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// Exit codes.
const (
	exitClean   = 0
	exitFailure = 1 // at run time
	exitUsage   = 2 // bad usage or configuration
)

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// run is the whole program on given streams.
func run(args, env []string, stdout, stderr io.Writer) int {
	p := &program{env: env, stdout: stdout, stderr: stderr}
	root := p.root()
	root.SetArgs(args)
	command, err := root.ExecuteC()
	var bad *config.Problems
	var failed failure
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &bad):
		fmt.Fprintln(stderr, err)
		return exitUsage
	case errors.As(err, &failed):
		if failed.reason != nil {
			fmt.Fprintln(stderr, failed.reason)
		}
		return failed.code
	}
	fmt.Fprintf(stderr, "cannot run %s: %s\nsee %s --help\n", command.CommandPath(), err, command.CommandPath())
	return exitUsage
}

// program is what commands use of the world.
type program struct {
	env    []string
	stdout io.Writer
	stderr io.Writer
}

// variable is the value of an environment variable, "" when it is not set.
func (p *program) variable(name string) string {
	for _, v := range p.env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// failure is the error of a command that was used correctly. Every other error of cobra's is one of usage.
type failure struct {
	code   int
	reason error // nil: the log has it
}

func (f failure) Error() string { return fmt.Sprintf("exit code %d: %v", f.code, f.reason) }

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "rocketmq-proxy",
		Short:         "A proxy between RocketMQ clients and brokers",
		Version:       describeVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no command is given")
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddCommand(p.serve(), p.dev(), p.check(), p.config(), p.convert(), p.health(), p.version())
	return root
}

// noArguments refuses what is neither a flag nor a command.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}
