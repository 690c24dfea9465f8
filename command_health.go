package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// healthTimeout is below the timeouts that container runtimes have for such a command.
const healthTimeout = 2 * time.Second

// healthRequest says which proxy is asked, and how.
type healthRequest struct{ admin, tokenFile, caFile string }

func (p *program) health() *cobra.Command {
	var q healthRequest
	c := &cobra.Command{
		Use:   "health",
		Short: "Exit with 0 if a running proxy is ready, and with 1 if not",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), healthTimeout)
			defer cancel()
			if err := q.ask(ctx); err != nil {
				return failure{exitFailure, err}
			}
			fmt.Fprintln(p.stdout, "ready")
			return nil
		},
	}
	c.Flags().StringVar(&q.admin, "admin", "http://127.0.0.1:9180", "`URL` of the proxy's admin address")
	c.Flags().StringVar(&q.tokenFile, "token-file", "", "`file` with the token of admin.token_file or admin.read_token_file")
	c.Flags().StringVar(&q.caFile, "ca", "", "PEM `file` with the authorities of the admin certificate (default: those of this system)")
	return c
}

// ask is nil if and only if /readyz answers 200.
func (q *healthRequest) ask(ctx context.Context) error {
	if !strings.Contains(q.admin, "://") {
		q.admin = "http://" + q.admin
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(q.admin, "/")+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("cannot use --admin %s: %w; write it as http://127.0.0.1:9180", q.admin, err)
	}
	if q.tokenFile != "" {
		token, err := os.ReadFile(q.tokenFile)
		if err != nil {
			return fmt.Errorf("cannot read --token-file: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	transport := &http.Transport{DisableKeepAlives: true} // no proxy of the environment: the admin address is asked itself
	if q.caFile != "" {
		text, err := os.ReadFile(q.caFile)
		if err != nil {
			return fmt.Errorf("cannot read --ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return fmt.Errorf("cannot use --ca %s: it has no PEM certificate", q.caFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("cannot reach the proxy: %w; is it running, and is --admin its admin.address?", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return fmt.Errorf("not ready: %s: %s", printable(answer.Status), printable(strings.ReplaceAll(strings.TrimSpace(string(why)), "\n", "; ")))
	}
	return nil
}

// printable drops what would change the terminal of whoever reads it: something else may have the address.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}
