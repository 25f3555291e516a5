// Package repository checks what is in the repository: the pages, with their code and their
// commands, and the packages and modules, with what they import. It needs no server.
package repository
