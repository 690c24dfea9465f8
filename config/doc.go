// Package config turns a TOML file, environment variables and flags into plain structs, and reports all of their
// problems at once.
//
// [Load] is the way in, [Print] and [Diff] show a configuration to people, [Mask] keeps secrets out of what they see.
//
// # Precedence
//
// Defaults, then the file, then the environment, then flags; the last one wins, key by key. koanf reads, keeps and decodes
// the layers. Only merging is done here, because koanf replaces lists as a whole and an environment variable must be able
// to change one key of one listener.
//
//   - ROCKETMQ_PROXY_ADMIN__ADDRESS is admin.address: two underscores separate levels, one belongs to the name.
//   - ROCKETMQ_PROXY_LISTENER__0__ADDRESS is the address of the first listener. The number after the last one adds an entry.
//   - ROCKETMQ_PROXY_CLUSTER__0__NAME_SERVERS=a:9876,b:9876 is a list; RocketMQ's own ; separates as well.
//   - Parts in capitals are taken in lower case, other parts as they are written (names in push_labels and ports).
//   - The variables that Kubernetes derives from a Service called rocketmq-proxy (ROCKETMQ_PROXY_SERVICE_HOST,
//     ROCKETMQ_PROXY_PORT_9876_TCP, …) are ignored; every other unknown one is a problem.
//
// # Problems
//
// Every error of [Load] and [Validate] is a [*Problems], with one [Problem] for each thing that is wrong: the key, its value
// with secrets masked, the file, variable or flag that it came from, the fault and the remedy. A contradiction that only
// follows from a value that cannot be read is left out.
//
// # Adding a key
//
// Add a field with a toml tag and a comment to config.go or one of config_*.go, its default to defaults.go and its rules to a validate file.
// Then run `go test ./config -update`, which writes proxy.example.toml from the fields, their comments and their defaults.
// Whether a reload can change the key is decided in the table of the package server.
//
// # What it does not do
//
// It opens no socket and reads no file but the one it is given. Whether the machine has what a configuration asks for
// (files, directories, ports) is checked by the package server.
package config
