package server

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells systemd about a change of state (Type=notify, notify-reload); elsewhere it does nothing.
func (s *Server) notify(state string) {
	if err := sendNotification(state); err != nil {
		s.log.Warn("cannot notify systemd", "error", err)
	}
}

// notifyTimeout bounds how long a supervisor that does not read can hold up a drain or a reload. systemd reads at once.
const notifyTimeout = 3 * time.Second

// sendNotification is daemon.SdNotify with a deadline: the socket is full when nobody reads it, and a write waits then.
func sendNotification(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(notifyTimeout)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return err
}

// notifyReloading tells systemd that a reload has begun; the returned function that it is over. A proxy that has never
// been ready says neither: READY would be a lie, as it would be once a drain has begun (STOPPING).
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
	return func() {
		s.applying.Lock()
		defer s.applying.Unlock()
		if !s.isDraining() {
			s.notify(daemon.SdNotifyReady)
		}
	}
}
