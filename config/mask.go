package config

import (
	"net/url"
	"regexp"
	"strings"
)

const masked = "xxxxx"

// secretName matches names of keys and parameters that hold something to hide.
var secretName = regexp.MustCompile(`(?i)token|secret|passw|credential|signature|auth|api_?key|access_?key|^(sig|key|pwd)$`)

var (
	// userInfo is what may stand before the host of a URL: a name, or a name and a password, which may hold any character by
	// mistake. Without a scheme both are needed: otherwise it may be a mail address.
	userInfo = regexp.MustCompile(`//[^\s"/?#@:]*(?::[^\s"@]*)?@|^[^\s"/?#@:]+:[^\s"/@]*@`)
	// hostAndPath is what looks like user information because there is an @ somewhere behind the port.
	hostAndPath = regexp.MustCompile(`^[^:]*:[0-9]+[/?#]`)
	parameter   = regexp.MustCompile(`[?&][^\s"=&#]+=[^\s"&#]*`)
)

// Mask hides the secrets of all URLs in a text: user information, and parameters that are called like a secret.
// Everything else stays, also of a URL that is malformed. What a library says about a URL is such a text.
func Mask(text string) string {
	if !strings.ContainsAny(text, "@?") {
		return text
	}
	text = userInfo.ReplaceAllStringFunc(text, func(s string) string {
		rest, isURL := strings.CutPrefix(s, "//")
		switch {
		case !isURL:
			return masked + "@"
		case hostAndPath.MatchString(rest):
			return s
		}
		return "//" + masked + "@"
	})
	return parameter.ReplaceAllStringFunc(text, func(s string) string {
		name, _, _ := strings.Cut(s, "=")
		if plain, err := url.QueryUnescape(name[1:]); err == nil && !secretName.MatchString(plain) {
			return s
		}
		return name + "=" + masked
	})
}
