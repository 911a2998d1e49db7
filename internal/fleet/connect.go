package fleet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"nas/internal/boundedfile"
	"nas/internal/fault"
)

// Access says where a NATS service is, and how to be let in.
type Access struct {
	URL         string // nats://HOST:PORT, or tls://; several with commas
	TokenFile   string // a file with a token; the variable NAS_FLEET_TOKEN says the same
	NKeyFile    string // a file with the seed of an nkey
	Credentials string // a file of user credentials, as nsc makes them
	CA          string // PEM certificates that the other side's is signed with; "" for those of the system
	Cert, Key   string // PEM certificate and key of this side

	inProcess nats.InProcessConnProvider // the server is in this process
}

const tokenVariable = "NAS_FLEET_TOKEN"

// token returns the token, "" for none.
func (a *Access) token() (string, error) {
	if a.TokenFile == "" {
		return os.Getenv(tokenVariable), nil
	}
	data, err := boundedfile.Read(a.TokenFile, 4<<10)
	if err != nil {
		return "", fault.Errorf("fleet: the token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < 16 {
		return "", fault.Errorf("fleet: the token in %s has %d characters: want 16 or more, such as openssl rand -hex 16 "+
			"makes", a.TokenFile, len(token))
	}
	return token, nil
}

// seed returns the pair of an nkey, nil for none.
func (a *Access) pair() (nkeys.KeyPair, error) {
	if a.NKeyFile == "" {
		return nil, nil
	}
	data, err := boundedfile.Read(a.NKeyFile, 4<<10)
	if err != nil {
		return nil, fault.Errorf("fleet: the nkey: %w", err)
	}
	pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(string(data))))
	if err != nil {
		return nil, fault.Errorf("fleet: %s holds no seed of an nkey, such as nk -gen user makes: %w", a.NKeyFile, err)
	}
	return pair, nil
}

// pool returns the certificates of CA, nil for those of the system.
func (a *Access) pool() (*x509.CertPool, error) {
	if a.CA == "" {
		return nil, nil
	}
	data, err := boundedfile.Read(a.CA, 1<<20)
	if err != nil {
		return nil, fault.Errorf("fleet: the certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fault.Errorf("fleet: %s holds no certificate in PEM form", a.CA)
	}
	return pool, nil
}

// tls returns the settings of TLS for a client; nil for none.
func (a *Access) tls() (*tls.Config, error) {
	pool, err := a.pool()
	if err != nil || pool == nil && a.Cert == "" {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	if a.Cert != "" {
		pair, err := tls.LoadX509KeyPair(a.Cert, a.Key)
		if err != nil {
			return nil, fault.Errorf("fleet: the certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// connect connects, and connects again for as long as it takes once the first connection stood.
func (a *Access) connect(name string, more ...nats.Option) (*nats.Conn, error) {
	for _, u := range strings.Split(a.URL, ",") {
		if scheme, _, ok := strings.Cut(u, "://"); ok && scheme != "nats" && scheme != "tls" {
			return nil, fault.Errorf("fleet: %s: want nats://HOST:PORT, or tls://HOST:PORT", redacted(u))
		}
	}
	options := []nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, time.Second), nats.Timeout(5 * time.Second),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(3),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // what is lost is asked for again
	}
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	if token != "" {
		options = append(options, nats.Token(token))
	}
	pair, err := a.pair()
	if err != nil {
		return nil, err
	}
	if pair != nil {
		public, err := pair.PublicKey()
		if err != nil {
			return nil, fault.Errorf("fleet: the nkey: %w", err)
		}
		options = append(options, nats.Nkey(public, pair.Sign))
	}
	if a.Credentials != "" {
		options = append(options, nats.UserCredentials(a.Credentials))
	}
	secure, err := a.tls()
	if err != nil {
		return nil, err
	}
	if a.inProcess != nil {
		options = append(options, nats.InProcessServer(a.inProcess))
	} else if secure != nil {
		options = append(options, nats.Secure(secure))
	}
	conn, err := nats.Connect(a.URL, append(options, more...)...)
	switch {
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout):
		return nil, fault.Errorf("fleet: nothing answers at %s: want the address of a nats-server, or of nas run --fleet "+
			"embedded (%w)", redacted(a.URL), err)
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
		return nil, fault.Errorf("fleet: %s does not let us in: give the token, nkey or credentials of the service (%w)",
			redacted(a.URL), err)
	case errors.As(err, new(*net.DNSError)):
		return nil, fault.Errorf("fleet: %q: there is no such host: want nats://HOST:PORT, or tls://HOST:PORT",
			redacted(a.URL))
	case err != nil:
		return nil, fault.Errorf("fleet: %q: want nats://HOST:PORT, or tls://HOST:PORT (%w)", redacted(a.URL), err)
	}
	return conn, nil
}

// redacted is a URL without passwords.
func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return text
	}
	u.User = url.User("...")
	return u.String()
}

// isLoopback reports whether only this machine can reach an address.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
