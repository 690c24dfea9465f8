package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/server"
)

// version is set by releases: go build -ldflags "-X main.version=v1.2.3".
var version = "dev"

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		Run:   func(*cobra.Command, []string) { fmt.Fprintln(p.stdout, describeVersion()) },
	}
}

func describeVersion() string {
	b, from := build(), ""
	if b.Revision != "" {
		from = " (" + b.Revision + ")"
	}
	return fmt.Sprintf("rocketmq-proxy %s%s %s %s/%s", b.Version, from, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// build is the version and the commit of this binary.
func build() server.BuildInfo { return server.BuildInfo{Version: version, Revision: revision()} }

// revision is the commit that the binary was built from, "" if the build did not record it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := settings["vcs.revision"]
	if text != "" && settings["vcs.modified"] == "true" {
		text += ", modified"
	}
	return text
}
