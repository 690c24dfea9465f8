package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// given is the text of an environment variable or a flag. Unlike a string of the file it may stand for any type.
type given string

const envPrefix = "ROCKETMQ_PROXY_"

// kubernetesLink matches what Kubernetes puts into every pod beside a Service whose name begins with rocketmq-proxy.
var kubernetesLink = regexp.MustCompile(`(^|_)(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// kubernetesPort matches the shortest of those names; its value, a URL, distinguishes it from a mistake.
var kubernetesPort = regexp.MustCompile(`(^|_)PORT$`)

// dropForeign keeps a variable under its own name, or drops it when Kubernetes has made it.
func dropForeign(name, value string) (string, any) {
	short := strings.TrimPrefix(name, envPrefix)
	foreign := kubernetesLink.MatchString(short) || kubernetesPort.MatchString(short) && strings.Contains(value, "://")
	if foreign && !strings.Contains(short, "__") { // two underscores are ours: no Service has such a name
		return "", nil
	}
	return name, value
}

// variablePath is where a variable belongs. What is not all in capitals is a name of the user's and keeps its case.
func variablePath(name string) []string {
	parts := strings.Split(strings.TrimPrefix(name, envPrefix), "__")
	for i, part := range parts {
		if part == strings.ToUpper(part) {
			parts[i] = strings.ToLower(part)
		}
	}
	return parts
}

// flagPaths are the keys that flags set. Those of lists set the only entry.
var flagPaths = map[string][]string{
	"name-server":     {"cluster", "0", "name_servers"},
	"listen":          {"listener", "0", "address"},
	"advertise":       {"listener", "0", "advertise"},
	"broker-ports":    {"listener", "0", "broker_ports"},
	"advertise-ports": {"listener", "0", "advertise_ports"},
	"admin":           {"admin", "address"},
	"stat-prefix":     {"stat_prefix"},
	"log-level":       {"log", "level"},
}

// flag sets the key of a flag. --name-server is enough for a whole proxy, so it also adds a listener.
func (l *layers) flag(dest map[string]any, name string, value any) {
	path, ok := flagPaths[name]
	if !ok {
		panic(fmt.Sprintf("BUG: flag --%s sets no key", name))
	}
	origin := "flag --" + name
	if entries, _ := dest[path[0]].([]any); len(entries) > 1 {
		l.problems = append(l.problems, Problem{
			Key:    "--" + name,
			Value:  quote(fmt.Sprint(value)),
			Fault:  fmt.Sprintf("there are %d [[%s]] tables, and the flag could mean any of them", len(entries), path[0]),
			Remedy: fmt.Sprintf("set %s in the tables themselves", path[len(path)-1]),
		})
		return
	}
	l.set(dest, path, given(fmt.Sprint(value)), origin)
	if name == "name-server" && dest["listener"] == nil {
		dest["listener"] = []any{map[string]any{}}
	}
}

// set puts a value at a path.
func (l *layers) set(dest map[string]any, parts []string, value given, origin string) {
	l.put(dest, "", parts, value, origin)
}

// put returns the node with a value put somewhere below it, and makes the tables and lists on the way. A path that
// leads through a plain value is left alone: that value is reported as a wrong type when it is read.
func (l *layers) put(node any, path string, parts []string, value given, origin string) any {
	if len(parts) == 0 {
		l.forget(path, node)
		l.origins[path] = origin
		return value
	}
	i, isEntry := entryNumber(parts[0])
	switch n := node.(type) {
	case nil:
		if isEntry {
			return l.put([]any{}, path, parts, value, origin)
		}
		return l.put(map[string]any{}, path, parts, value, origin)
	case map[string]any:
		n[parts[0]] = l.put(n[parts[0]], join(path, parts[0]), parts[1:], value, origin)
	case []any:
		if !isEntry || i > len(n) {
			l.problems = append(l.problems, noEntry(join(path, parts[0]), path, len(n), origin))
			return n
		}
		if i == len(n) {
			n = append(n, nil)
		}
		n[i] = l.put(n[i], index(path, i), parts[1:], value, origin)
		return n
	}
	return node
}

// forget drops the origins of what is in a value that is replaced.
func (l *layers) forget(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			l.forget(join(path, key), below)
		}
	case []any:
		for i, below := range v {
			l.forget(index(path, i), below)
		}
	}
	delete(l.origins, path)
}

// entryNumber reads the number of a list's entry.
func entryNumber(part string) (int, bool) {
	n, err := strconv.ParseUint(part, 10, 16)
	return int(n), err == nil
}

// noEntry is the problem of a variable that names an entry which is neither there nor the next one.
func noEntry(path, list string, entries int, origin string) Problem {
	return Problem{
		Key:    path,
		Origin: origin,
		Fault:  fmt.Sprintf("%s is a list, and the number is neither that of an entry nor the next one", list),
		Remedy: fmt.Sprintf("write a number from 0 to %d, where %d adds an entry", entries, entries),
	}
}
