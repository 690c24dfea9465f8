package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// ClusterTLS is the TLS configuration of connections to a cluster; nil: they have none.
func ClusterTLS(c *config.Cluster) (*tls.Config, error) {
	if !c.TLS.Enabled {
		return nil, nil
	}
	cfg, _, err := load(&clusterFiles{&c.TLS})
	return cfg, err
}

// load reads and builds. The text is what was read, also of files that cannot be used.
func load(files tlsFiles) (cfg *tls.Config, text map[string][]byte, err error) {
	if text, err = read(files.paths()); err == nil {
		cfg, err = files.build(text)
	}
	return cfg, text, err
}

// read reads all files. Those that cannot be read are left out of what it returns beside the error.
func read(paths []string) (map[string][]byte, error) {
	text := map[string][]byte{}
	var errs []error
	for _, path := range paths {
		b, err := config.ReadFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot read a file that tls names: %w", err))
			continue
		}
		text[path] = b
	}
	return text, errors.Join(errs...)
}

// tlsFiles is a table of configuration that names files.
type tlsFiles interface {
	paths() []string
	// build makes a configuration of what the files hold, by path.
	build(text map[string][]byte) (*tls.Config, error)
}

var tlsVersions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// listenerFiles are those of [listener.tls].
type listenerFiles struct{ *config.ListenerTLS }

func (f *listenerFiles) paths() []string { return named(f.Certificate, f.Key, f.ClientCA) }

func (f *listenerFiles) build(text map[string][]byte) (*tls.Config, error) {
	pair, err := namedPair("listener.tls", f.Certificate, f.Key, text)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tlsVersions[f.MinVersion]}
	if f.ClientCA != "" {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
		cfg.ClientCAs, err = pool("listener.tls.client_ca", f.ClientCA, text)
	}
	return cfg, err
}

// clusterFiles are those of [cluster.tls].
type clusterFiles struct{ *config.ClusterTLS }

func (f *clusterFiles) paths() []string { return named(f.CA, f.Certificate, f.Key) }

func (f *clusterFiles) build(text map[string][]byte) (*tls.Config, error) {
	cfg := &tls.Config{ServerName: f.ServerName, InsecureSkipVerify: f.InsecureSkipVerify, MinVersion: tls.VersionTLS12}
	var err error
	if f.CA != "" {
		if cfg.RootCAs, err = pool("cluster.tls.ca", f.CA, text); err != nil {
			return nil, err
		}
	}
	if f.Certificate != "" {
		pair, err := namedPair("cluster.tls", f.Certificate, f.Key, text)
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// named are the paths that are set.
func named(paths ...string) (set []string) {
	for _, p := range paths {
		if p != "" {
			set = append(set, p)
		}
	}
	return set
}

func namedPair(table, certificate, key string, text map[string][]byte) (tls.Certificate, error) {
	pair, err := keyPair(text[certificate], text[key])
	if err != nil {
		err = fmt.Errorf("cannot use %s.certificate %s with %s.key %s: %w", table, certificate, table, key, err)
	}
	return pair, err
}

var errNamelessIssuer = errors.New("the certificate's issuer has no name, and Java clients refuse such a certificate; make one with a subject, such as CN=mq")

func keyPair(certificate, key []byte) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err == nil && len(pair.Leaf.RawIssuer) <= len(emptyName) {
		err = errNamelessIssuer
	}
	return pair, err
}

// emptyName is the DER of a distinguished name without any part.
var emptyName = []byte{0x30, 0x00}

var errNoCertificate = errors.New("there is no PEM certificate in it")

func pool(key, path string, text map[string][]byte) (*x509.CertPool, error) {
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(text[path]) {
		return nil, fmt.Errorf("cannot use %s %s: %w", key, path, errNoCertificate)
	}
	return p, nil
}
