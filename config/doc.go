// Package config turns a TOML file, environment variables and flags into plain structs, and tells every problem of
// them at once.
//
//	cfg, err := config.Load(config.Sources{File: "proxy.toml", Env: os.Environ(), Flags: map[string]any{"admin": ":9180"}})
//	var problems *config.Problems
//	if errors.As(err, &problems) { // every error of Load is one
//		for _, p := range problems.List {
//			fmt.Println(p) // one sentence: key, value, origin, what is wrong, what would be right
//		}
//	}
//
// # Precedence
//
// Defaults, then the file, then the environment, then flags; the last one wins, key by key. koanf carries the layers;
// how one is laid over another is decided here, because koanf replaces lists as a whole and an environment variable
// must be able to change one key of one listener.
//
//   - ROCKETMQ_PROXY_ADMIN__ADDRESS is admin.address: two underscores separate levels, one belongs to the name.
//   - ROCKETMQ_PROXY_LISTENER__0__ADDRESS is the address of the first listener. The number after the last one adds an entry.
//   - ROCKETMQ_PROXY_CLUSTER__0__NAME_SERVERS=a:9876,b:9876 is a list; RocketMQ's own ; separates as well.
//   - Parts in capitals are taken in lower case, other parts as they are written (names in push_labels and ports).
//   - The variables that Kubernetes derives from a Service called rocketmq-proxy (ROCKETMQ_PROXY_SERVICE_HOST,
//     ROCKETMQ_PROXY_PORT_9876_TCP, …) are not ours and are passed over; every other unknown one is a problem.
//
// # Adding a key
//
// Add a field with a toml tag and a comment to config.go, its default to defaults.go, its contradictions to a
// validate file, and run `go test ./config -update`: proxy.example.toml is written from the fields, their comments
// and their defaults. A field that may hold a secret gets the tag secret:"url" (see secret.go); then it is masked
// wherever it is printed.
//
// # What it does not do
//
// It opens no socket and looks at no file but the one it is given: whether an address can be bound or a directory
// written is found out by who needs it.
package config
