package main

import inngestkit "github.com/inngestkit/inngestkit/core"

// The events of this application.
var (
	cleanupRequested     = inngestkit.DefineEvent[CleanupRequested]("cleanup.requested")
	deepCleanupRequested = inngestkit.DefineEvent[DeepCleanupRequested]("cleanup.deep-requested")
	fileExpired          = inngestkit.DefineEvent[FileExpired]("cleanup.file-expired")
)

// CleanupRequested is the data of the event with which somebody starts a cleanup.
type CleanupRequested struct {
	CleanupID string `json:"cleanupId"`
}

// DeepCleanupRequested is the data of the event with which somebody starts a deep cleanup.
type DeepCleanupRequested struct {
	By string `json:"by"`
}

// FileExpired is the data of the event sent for each file that can be deleted.
type FileExpired struct {
	CleanupID string `json:"cleanupId"`
	Path      string `json:"path"`
}
