// Package deploy tests the files in the directory deploy: that tools would accept them, that
// they agree with each other and with the code, and that the program which they deploy works
// on the real Inngest server. It is a module of its own, because no other module should
// require the types of Kubernetes, Compose and Docker.
package deploy
