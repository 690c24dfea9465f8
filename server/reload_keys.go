package server

import (
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// effect is when a change of a key takes effect.
type effect int

const (
	needsRestart effect = iota // also of every key that is not named below
	atOnce
	forNew // for connections from now on
)

// effects are those of the keys that a reload can change; a path that ends in a dot stands for all keys below it.
// Keys of lists are written without the number of their entry.
//
// Not among them: state_dir, because the table that is kept there belongs to listeners that go on; log.format, because
// a log that changes its form half-way cannot be read by machines; admin.address, where probes and operators look.
var effects = map[string]effect{
	"stat_prefix":                     atOnce, // what follows from it is reported as listener.stat_prefix
	"drain_timeout":                   atOnce,
	"log.level":                       atOnce,
	"admin.":                          atOnce,
	"metrics.":                        atOnce,
	"limits.max_frame":                forNew,
	"limits.max_header":               forNew,
	"limits.buffer_per_connection":    forNew,
	"limits.connections_per_listener": atOnce,
	"limits.connections_per_address":  forNew,
	"limits.requests_per_connection":  atOnce,
	"timeouts.":                       atOnce,
	"timeouts.handshake":              needsRestart,

	"cluster":                     atOnce,
	"cluster.name_servers":        atOnce,
	"cluster.broker":              atOnce,
	"cluster.maintenance":         atOnce,
	"cluster.maintenance_brokers": atOnce,
	"cluster.refresh":             atOnce,
	"cluster.park_timeout":        atOnce,

	"maintenance": atOnce, // these two are compared as a whole: their tables have no names
	"route":       atOnce,
	"limit":       atOnce,
	"limit.":      atOnce,

	"listener":                            atOnce,
	"listener.address":                    atOnce,
	"listener.cluster":                    atOnce,
	"listener.advertise":                  atOnce,
	"listener.broker_ports":               atOnce,
	"listener.advertise_ports":            atOnce,
	"listener.rewrite_message_ids":        atOnce,
	"listener.vip_channel":                atOnce,
	"listener.unnamed":                    atOnce,
	"listener.transient_object_life_span": atOnce,
	"listener.ports":                      atOnce,
	"listener.stat_prefix":                forNew,
	"listener.grpc.":                      atOnce,

	"admin.address":   needsRestart,
	"metrics.address": needsRestart,
}

// effectOf looks a change up: the key itself first, then the tables that it is in.
func effectOf(c config.Change) effect {
	path := c.List
	if c.Key != "" {
		path = strings.TrimPrefix(c.List+"."+c.Key, ".")
	}
	if e, ok := effects[path]; ok {
		return e
	}
	for i := strings.LastIndexByte(path, '.'); i >= 0; i = strings.LastIndexByte(path[:i], '.') {
		if e, ok := effects[path[:i+1]]; ok {
			return e
		}
	}
	return needsRestart
}

// sortChanges says what a reload will do about each change, and takes back what it cannot do. When the admin address
// has to stay, so do the keys that say which clients may use it: they were written for another address.
func sortChanges(changes []config.Change, levelChanges bool) *Reloaded {
	moves := false
	for _, c := range changes {
		moves = moves || c.Key == "admin.address"
	}
	r := &Reloaded{}
	for _, c := range changes {
		e := effectOf(c)
		if moves && strings.HasPrefix(c.Key, "admin.") || c.Key == "log.level" && !levelChanges {
			e = needsRestart
		}
		switch e {
		case atOnce:
			r.AtOnce = append(r.AtOnce, c.String())
		case forNew:
			r.ForNew = append(r.ForNew, c.String())
		default:
			c.Revert()
			r.NeedRestart = append(r.NeedRestart, c.String())
		}
	}
	return r
}
