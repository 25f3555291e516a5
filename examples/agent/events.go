package main

import inngestkit "github.com/inngestkit/inngestkit/core"

// The events of the agent.
var (
	questionAsked = inngestkit.DefineEvent[Question]("support/question.asked")
	toolDecided   = inngestkit.DefineEvent[Decision]("support/tool.decided")
)

// Question is what a customer wants to know. The event starts a run of the agent.
type Question struct {
	// CustomerID is the customer who has logged in. The text does not decide about that.
	CustomerID string `json:"customerId"`
	Text       string `json:"text"`
}

// Decision is what a human decides about a tool call that needs approval.
type Decision struct {
	ApprovalID string `json:"approvalId"`
	Approved   bool   `json:"approved"`
	By         string `json:"by"`
}
