package connection

// alarm is a timer of which only the last one that was set counts. The message that a timer brings carries the time that it was
// set for; one that has been overtaken must set no other, or there would be more and more of them. The zero value is not set.
type alarm struct{ due int64 } // on the process clock; 0: it is not set

// set reports whether a timer has to be started for a time: there is none that comes by then, or at most slack later.
func (a *alarm) set(at, slack int64) bool {
	if a.comes(at, slack) {
		return false
	}
	a.due = at
	return true
}

// comes reports that a timer comes by a time, or at most slack later.
func (a *alarm) comes(at, slack int64) bool { return a.on() && a.due <= at+slack }

// rings takes the message of a timer, and reports whether it is the one that counts.
func (a *alarm) rings(at int64) bool {
	if !a.on() || a.due != at {
		return false
	}
	a.due = 0
	return true
}

// on reports that a timer will come.
func (a *alarm) on() bool { return a.due != 0 }
