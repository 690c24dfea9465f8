package codec

// Version numbers are ordinals of MQVersion.java: 20 for each minor line, every second one a release.
const (
	Version4_9_4 = 401 // from here on a name server answers 105 in standard JSON
	Version5_3_1 = 475 // above: the client understands GO_AWAY (1500)
	Version5_3_3 = 479
	Version5_5_0 = 513 // what 5.5.0 clients send
)
