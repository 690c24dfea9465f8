package config

import (
	"net/url"
	"regexp"
	"strings"
)

// Secrets are masked wherever a value is shown: in problems, in Print. The tag of a field says where the secret is:
//
//	secret:"url"   in the user information of a URL, and in query parameters that are called like a secret

const masked = "xxxxx"

// secretName matches names of keys and parameters that hold something to hide.
var secretName = regexp.MustCompile(`(?i)token|secret|passw|credential|signature|auth|api_?key|access_?key|^(sig|key|pwd)$`)

// mask hides the secret part of a text.
func mask(text, secret string) string {
	if secret != "url" {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		return masked // what cannot be taken apart may be all secret
	}
	if u.User != nil {
		u.User = url.User(masked)
	}
	parts := strings.Split(u.RawQuery, "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err != nil || secretName.MatchString(plain) {
			parts[i] = name + "=" + masked
		}
	}
	u.RawQuery = strings.Join(parts, "&")
	if u.User == nil && !strings.Contains(u.RawQuery, masked) {
		return text
	}
	return u.String()
}
