// Empty: its presence lets Go functions without a body be declared, see kubeproxy.go.
