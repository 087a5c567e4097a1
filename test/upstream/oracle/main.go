// A resident program around the real kube-proxy packages of one release: a question a line on standard input, an
// answer a line on standard output. It keeps away from the machine's kernel: every door to it is a stand-in.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"k8s.io/klog/v2"
)

func main() {
	quietly()
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// quietly keeps kube-proxy's log away from standard error, which is for this program's own faults.
func quietly() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("logtostderr", "false")
	_ = flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(io.Discard)
}

func serve(in io.Reader, out io.Writer) error {
	questions := json.NewDecoder(bufio.NewReaderSize(in, 1<<20))
	writer := bufio.NewWriterSize(out, 1<<20)
	answers := json.NewEncoder(writer)
	answers.SetEscapeHTML(false)
	for {
		var asked question
		if err := questions.Decode(&asked); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a question: %w", err)
		}
		if err := answers.Encode(answerTo(&asked)); err != nil {
			return err
		}
		if err := writer.Flush(); err != nil {
			return err
		}
	}
}
