// Package testca is a certificate authority for tests.
package testca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// CA signs certificates.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	PEM  []byte
	Pool *x509.CertPool
}

// New makes an authority.
func New(t testing.TB) *CA { return named(t, pkix.Name{CommonName: "test authority"}) }

// Nameless makes an authority without a name, whose certificates Java clients refuse.
func Nameless(t testing.TB) *CA { return named(t, pkix.Name{}) }

func named(t testing.TB, name pkix.Name) *CA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &CA{key: key, Pool: x509.NewCertPool()}
	der := ca.sign(t, &x509.Certificate{
		Subject: name, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(24 * time.Hour),
	}, &key.PublicKey)
	ca.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	ca.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	ca.Pool.AddCert(ca.cert)
	return ca
}

// Pair makes a certificate of a name, which is also good for 127.0.0.1, and its key, both as PEM.
func (ca *CA) Pair(t testing.TB, name string, expires time.Time) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der := ca.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter: expires, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, &private.PublicKey)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// Certificate is a Pair for crypto/tls, good for an hour.
func (ca *CA) Certificate(t testing.TB, name string) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(ca.Pair(t, name, time.Now().Add(time.Hour)))
	require.NoError(t, err)
	return pair
}

// sign signs for a parent, or a certificate by itself.
func (ca *CA) sign(t testing.TB, c *x509.Certificate, public *ecdsa.PublicKey) []byte {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	c.SerialNumber, c.NotBefore = serial, time.Now().Add(-time.Hour)
	parent := ca.cert
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, ca.key)
	require.NoError(t, err)
	return der
}

// Pair are the files of a certificate and its key.
type Pair struct{ Certificate, Key string }

// Files puts a pair that is good for an hour into a directory.
func (ca *CA) Files(t testing.TB, dir, name string) Pair {
	t.Helper()
	certificate, key := ca.Pair(t, name, time.Now().Add(time.Hour))
	p := Pair{filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")}
	require.NoError(t, os.WriteFile(p.Certificate, certificate, 0o600))
	require.NoError(t, os.WriteFile(p.Key, key, 0o600))
	return p
}
