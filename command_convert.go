package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/convert"
)

func (p *program) convert() *cobra.Command {
	return &cobra.Command{
		Use:   "convert ENVOY.yaml",
		Short: "Print the configuration that does what an Envoy RocketMQ filter does",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := convertFile(args[0])
			if err != nil {
				return failure{exitUsage, fmt.Errorf("%s: %w", args[0], err)}
			}
			fmt.Fprint(p.stdout, text)
			return nil
		},
	}
}

// convertFile reads no more of a file than can be converted.
func convertFile(name string) (toml string, err error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	doc, err := io.ReadAll(io.LimitReader(file, convert.MaxDocument+1))
	if err != nil {
		return "", err
	}
	return convert.Envoy(doc)
}
