package fleet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nas/internal/fleet"
)

// authority signs certificates, and is trusted by who has its file.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

// newAuthority makes one; its file is in dir.
func newAuthority(t *testing.T, dir, name string) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(dir, name+".pem")}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// sign makes a certificate with its key for both sides of a connection to this machine.
func (a *authority) sign(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	k := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	writePEM(t, cert, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", private)
	return cert, key
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTLS: a run over TLS with certificates of one's own has the bytes of a run on one machine, with certificates on
// both sides or with a token or an nkey; who has none, those of another, or no token, is not let in.
func TestTLS(t *testing.T) {
	const trials = 40
	want := single(t, trials)
	dir := t.TempDir()
	ours, theirs := newAuthority(t, dir, "ours"), newAuthority(t, dir, "theirs")
	cert, key := ours.sign(t, dir, "server")
	clientCert, clientKey := ours.sign(t, dir, "client")
	strangeCert, strangeKey := theirs.sign(t, dir, "stranger")
	token, seed := filepath.Join(dir, "token"), filepath.Join(dir, "seed")
	for path, text := range map[string]string{token: "0123456789abcdef0123\n", seed: seedOf(t)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name           string
		server, client fleet.Access
		strangers      []fleet.Access
	}{
		{
			"certificates on both sides", fleet.Access{CA: ours.file, Cert: cert, Key: key},
			fleet.Access{CA: ours.file, Cert: clientCert, Key: clientKey},
			[]fleet.Access{{CA: ours.file}, {CA: ours.file, Cert: strangeCert, Key: strangeKey},
				{CA: theirs.file, Cert: clientCert, Key: clientKey}},
		}, {
			"a token", fleet.Access{Cert: cert, Key: key, TokenFile: token}, fleet.Access{CA: ours.file, TokenFile: token},
			[]fleet.Access{{CA: ours.file}, {CA: theirs.file, TokenFile: token}, {TokenFile: token}},
		}, {
			"an nkey", fleet.Access{Cert: cert, Key: key, NKeyFile: seed}, fleet.Access{CA: ours.file, NKeyFile: seed},
			[]fleet.Access{{CA: ours.file}, {CA: ours.file, TokenFile: token}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := fleet.Serve(t.TempDir(), "127.0.0.1:0", c.server, t.Logf)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close(true) })
			c.client.URL = "tls://" + s.URL()[strings.Index(s.URL(), "://")+3:]
			for i, stranger := range c.strangers {
				stranger.URL = c.client.URL
				if _, err := fleet.Ask(t.Context(), stranger); err == nil || strings.Contains(err.Error(), "no search answers") {
					t.Errorf("stranger %d is let in: %v", i, err)
				}
			}
			start(t, &fleet.Worker{Access: c.client, Name: "w", Slots: 2})
			run := filepath.Join(t.TempDir(), "run")
			carryOut(t, run, trials, c.client, new(said))
			wantSame(t, run, want)
		})
	}
}
