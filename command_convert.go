package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/convert"
)

func (p *program) convert() *cobra.Command {
	return &cobra.Command{
		Use:   "convert ENVOY.yaml",
		Short: "Print the configuration that does what an Envoy RocketMQ filter does",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("needs one file, and has %d", len(args))
			}
			return nil
		},
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
		return "", fmt.Errorf("cannot read the document: %w; name a configuration of Envoy", reasonOf(err))
	}
	defer file.Close()
	doc, err := io.ReadAll(io.LimitReader(file, convert.MaxDocument+1))
	if err != nil {
		return "", fmt.Errorf("cannot read the document: %w; name a configuration of Envoy", reasonOf(err))
	}
	return convert.Envoy(doc)
}

// reasonOf is an error without the path, which stands before it.
func reasonOf(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
