package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
)

const (
	// defaultLimit and highestLimit bound a page of connections; one is about 400 bytes.
	defaultLimit = 1000
	highestLimit = 10_000
	// reportTimeout is how long a page waits for connections to report.
	reportTimeout = 2 * time.Second
)

var parametersOfLists = []string{"search", "listener", "broker", "sort", "limit", "offset"}

// client is a connection as it is shown.
type client struct {
	*actors.Connection
	Version string `json:"version,omitempty"`
}

// clients and upstreams answer one page; the number of all that the query chooses is in X-Total-Count.
func (p *pages) clients(w http.ResponseWriter, r *http.Request) {
	list, ok := p.connections(w, r, false)
	if !ok {
		return
	}
	shown := make([]client, 0, len(list))
	for _, c := range list {
		shown = append(shown, client{c, cmp.Or(c.ClientVersion, versionName(c.Version))})
	}
	writeJSON(w, shown)
}

func (p *pages) upstreams(w http.ResponseWriter, r *http.Request) {
	list, ok := p.connections(w, r, true)
	if !ok {
		return
	}
	shown := make([]any, 0, len(list))
	for _, c := range list {
		for _, u := range c.Upstreams {
			shown = append(shown, u)
		}
	}
	writeJSON(w, shown)
}

// connections lists what a query asks for; ok is false when it has been refused.
func (p *pages) connections(w http.ResponseWriter, r *http.Request, upstream bool) (list []*actors.Connection, ok bool) {
	filter, page, err := parse(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return nil, false
	}
	filter.Upstream = upstream
	ctx, cancel := context.WithTimeout(r.Context(), reportTimeout)
	defer cancel()
	list, total := p.proxy.Connections(ctx, filter, page)
	w.Header().Set("X-Total-Count", strconv.Itoa(total))
	return list, true
}

// parse reads the parameters of a list of connections.
func parse(q url.Values) (f actors.Filter, page actors.Page, err error) {
	f = actors.Filter{Search: q.Get("search"), Listener: q.Get("listener"), Broker: q.Get("broker")}
	page.Sort = q.Get("sort")
	if page.Sort != "" && !slices.Contains(actors.Sorts(), page.Sort) {
		return f, page, fmt.Errorf("cannot sort by %q; must be one of %s", page.Sort, strings.Join(actors.Sorts(), ", "))
	}
	if page.Limit, err = number(q, "limit", defaultLimit, highestLimit); err != nil {
		return f, page, err
	}
	page.Offset, err = number(q, "offset", 0, 1<<30)
	return f, page, err
}

func number(q url.Values, name string, usual, highest int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > highest {
		return 0, fmt.Errorf("cannot use %s=%s; must be a number from 0 to %d", name, text, highest)
	}
	return n, nil
}

const (
	// Versions are ordinals of MQVersion.java: two for each release, its snapshot and itself, ten releases for each
	// minor version, ten minor versions for each major one from 4.0.0 on.
	ordinal5_0_0 = 413
	ordinal4_0_0 = 213
)

// versionName is what a client calls its version, such as "4.5.2"; "": it has not said.
func versionName(ordinal int32) string {
	switch {
	case ordinal == 0:
		return ""
	case ordinal < ordinal4_0_0 || ordinal > ordinal5_0_0+10*20*5: // 3.x has no order; above there is none yet
		return strconv.Itoa(int(ordinal))
	}
	releases := int(ordinal-ordinal4_0_0+1) / 2
	name := fmt.Sprintf("%d.%d.%d", 4+releases/100, releases/10%10, releases%10)
	if (ordinal-ordinal4_0_0)%2 != 0 {
		name += "-SNAPSHOT"
	}
	return name
}
