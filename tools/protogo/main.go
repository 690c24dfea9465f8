// Command protogo generates the Go code of translate/pb from the .proto files there, as protoc with protoc-gen-go would,
// without a protoc binary. It is run by go generate (translate/pb/doc.go), with the directory as its argument.
package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const goPackage = "github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"

var sources = []string{"apache/rocketmq/v2/definition.proto", "apache/rocketmq/v2/service.proto"}

func main() {
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(directory string) error {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{directory}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), sources...)
	if err != nil {
		return fmt.Errorf("cannot compile the .proto files: %w", err)
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: sources}
	known := map[string]bool{}
	for _, file := range files {
		request.ProtoFile = append(request.ProtoFile, withImports(file, known)...)
	}
	return write(directory, request)
}

// withImports lists a file behind all files that it imports, each of them once, as plugins expect them.
func withImports(file protoreflect.FileDescriptor, known map[string]bool) (all []*descriptorpb.FileDescriptorProto) {
	if known[file.Path()] {
		return nil
	}
	known[file.Path()] = true
	for i := range file.Imports().Len() {
		all = append(all, withImports(file.Imports().Get(i).FileDescriptor, known)...)
	}
	d := protodesc.ToFileDescriptorProto(file)
	if d.Options == nil {
		d.Options = &descriptorpb.FileOptions{}
	}
	if d.Options.GoPackage == nil {
		d.Options.GoPackage = proto.String(goPackage)
	}
	return append(all, d)
}

func write(directory string, request *pluginpb.CodeGeneratorRequest) error {
	plugin, err := protogen.Options{}.New(request)
	if err != nil {
		return fmt.Errorf("cannot read the compiled files: %w", err)
	}
	for _, file := range plugin.Files {
		if file.Generate {
			internal_gengo.GenerateFile(plugin, file)
		}
	}
	for _, file := range plugin.Response().File {
		if err := os.WriteFile(filepath.Join(directory, path.Base(file.GetName())), []byte(file.GetContent()), 0o644); err != nil {
			return fmt.Errorf("cannot write the generated code: %w", err)
		}
	}
	return nil
}
