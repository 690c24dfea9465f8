package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/handover"
)

// CheckFiles finds everything that keeps serve from doing what a configuration says on this system, and from using the
// files and directories that it names. serve does not start then; the error is a [*config.Problems].
func CheckFiles(cfg *config.Config) error {
	c := newFileCheck(cfg)
	return config.NewProblems(c.problems)
}

// fileCheck opens what serve opens.
type fileCheck struct {
	cfg      *config.Config
	problems []config.Problem
	expired  []config.Problem // serve starts with those, and warns
}

func newFileCheck(cfg *config.Config) *fileCheck {
	c := &fileCheck{cfg: cfg}
	c.platform(runtime.GOOS)
	for i := range cfg.Clusters {
		if t := &cfg.Clusters[i].TLS; t.Enabled {
			c.pems(fmt.Sprintf("cluster[%d].tls", i), t.Certificate, t.Key, "ca", t.CA)
		}
	}
	for i := range cfg.Listeners {
		if t := &cfg.Listeners[i].TLS; t.Mode != config.TLSOff {
			c.pems(fmt.Sprintf("listener[%d].tls", i), t.Certificate, t.Key, "client_ca", t.ClientCA)
		}
	}
	a := &cfg.Admin
	c.pems("admin", a.Certificate, a.Key, "client_ca", a.ClientCA)
	token, readToken := c.token("admin.token_file", a.TokenFile), c.token("admin.read_token_file", a.ReadTokenFile)
	if token != "" && token == readToken {
		c.add("admin.read_token_file", a.ReadTokenFile, admin.ErrSameToken.Error(), "write another token into it: whoever may read could change everything")
	}
	c.state()
	if cfg.HandOver != "" {
		if err := handover.CheckPath(cfg.HandOver); err != nil {
			c.add("hand_over", cfg.HandOver, err.Error(), "choose another path, or remove the file")
		}
		c.directory("hand_over", cfg.HandOver, filepath.Dir(cfg.HandOver))
	}
	return c
}

func (c *fileCheck) add(key string, value any, fault, remedy string) {
	c.problems = append(c.problems, c.cfg.Problem(key, value, fault, remedy))
}

// text reads a file; nil: there is none, or it has become a problem.
func (c *fileCheck) text(key, path string) []byte {
	if path == "" {
		return nil
	}
	text, err := config.ReadFile(path)
	if err != nil {
		c.add(key, path, "the file cannot be read: "+reason(err), "make it readable for the user of the proxy, or correct the path")
	}
	return text
}

// reason is an error without the path that the sentence names already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// pems reads the certificate, the key and the authorities of a table.
func (c *fileCheck) pems(at, certificate, key, caKey, ca string) {
	text := map[string][]byte{certificate: c.text(at+".certificate", certificate), key: c.text(at+".key", key)}
	if text[certificate] != nil && text[key] != nil {
		pair, err := keyPair(text[certificate], text[key])
		if err != nil {
			c.add(at+".certificate", certificate, err.Error(), "name a certificate in PEM and its own key")
		} else {
			c.dates(at+".certificate", certificate, pair)
		}
	}
	if authorities := c.text(at+"."+caKey, ca); authorities != nil && !x509.NewCertPool().AppendCertsFromPEM(authorities) {
		c.add(at+"."+caKey, ca, errNoCertificate.Error(), "name a file with certificates in PEM")
	}
}

// dates finds a certificate of a chain that is not valid now: peers that verify it refuse it.
func (c *fileCheck) dates(key, path string, pair tls.Certificate) {
	for _, der := range pair.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			continue // keyPair has parsed the first, and peers do not need the others
		}
		fault := ""
		switch now := time.Now(); {
		case now.After(one.NotAfter):
			fault = "the certificate has expired on " + one.NotAfter.UTC().Format(time.DateTime)
		case now.Before(one.NotBefore):
			fault = "the certificate is not valid before " + one.NotBefore.UTC().Format(time.DateTime)
		default:
			continue
		}
		c.expired = append(c.expired, c.cfg.Problem(key, path, fault+" UTC ("+one.Subject.String()+")", "renew it"))
	}
}

// token reads the token in a file; "": there is none, or it has become a problem.
func (c *fileCheck) token(key, path string) string {
	text := c.text(key, path)
	token := strings.TrimSpace(string(text))
	if text != nil && token == "" {
		c.add(key, path, "the file is empty", "write a long random word into it, such as from: openssl rand -hex 32")
	}
	return token
}

// platform finds the keys that do nothing on this system: a proxy that ignored them would be found out at the first restart.
func (c *fileCheck) platform(system string) {
	if system == "linux" {
		return
	}
	const fault = "needs Linux, and this is "
	if c.cfg.HandOver != "" {
		c.add("hand_over", c.cfg.HandOver, fault+system, "remove it; a restart interrupts clients here")
	}
	for i := range c.cfg.Listeners {
		if c.cfg.Listeners[i].ReusePort {
			c.add(fmt.Sprintf("listener[%d].reuse_port", i), true, fault+system, "remove it; a restart interrupts clients here")
		}
	}
}

// state reads what an earlier process has left in state_dir.
func (c *fileCheck) state() {
	dir := c.cfg.StateDir
	if dir == "" || !c.directory("state_dir", dir, nearestDirectory(dir)) {
		return
	}
	for i := range c.cfg.Listeners {
		if _, err := portFileOf(c.cfg, &c.cfg.Listeners[i]).load(); err != nil {
			c.add("state_dir", dir, err.Error(), "repair the file, or remove it to give ports out again")
		}
	}
	if _, err := operationsFileOf(c.cfg).load(); err != nil {
		c.add("state_dir", dir, err.Error(), "repair the file, or remove it to begin with nothing in maintenance")
	}
}

// directory makes a file and removes it; false: it cannot, which has become a problem.
func (c *fileCheck) directory(key, value, dir string) bool {
	probe, err := os.CreateTemp(dir, ".rocketmq-proxy-check-*")
	if err != nil {
		c.add(key, value, fmt.Sprintf("cannot create a file in %s: %s", dir, reason(err)), "make the directory, and writable for the user of the proxy")
		return false
	}
	probe.Close()
	os.Remove(probe.Name())
	return true
}

// nearestDirectory is a directory, or the one in which it would be made: serve makes state_dir when it is missing.
func nearestDirectory(dir string) string {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
