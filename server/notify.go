package server

import (
	"fmt"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells systemd about a change of state (Type=notify, notify-reload); elsewhere it does nothing.
func (s *Server) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("cannot notify systemd", "error", err)
	}
}

// notifyReloading tells systemd that a reload has begun; the returned function that it is over. A proxy that has never
// been ready says neither: READY would be a lie.
func (s *Server) notifyReloading() (done func()) {
	if !s.wasReady.Load() {
		return func() {}
	}
	now, err := daemon.SdNotifyMonotonicUsec(), error(nil)
	if now == "" {
		err = fmt.Errorf("there is no monotonic clock")
	}
	if err == nil {
		s.notify(daemon.SdNotifyReloading + "\n" + now)
	}
	return func() { s.notify(daemon.SdNotifyReady) }
}
