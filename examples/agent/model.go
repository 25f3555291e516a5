package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// Model is a model behind an API like OpenAI's chat completions.
type Model struct {
	// BaseURL is the URL of the API, such as https://api.openai.com/v1. The Inngest server
	// sends the requests, so it must be able to reach it.
	BaseURL string
	Key     inngestkit.Secret
	Name    string
}

// A Message is one message of a chat.
type Message struct {
	Role       string     `json:"role"`
	Content    string     `json:"content"`
	ToolCalls  []ToolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

// A ToolCall is the model's request to call a tool.
type ToolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"` // JSON, as far as the model gets it right
	} `json:"function"`
}

type chatRequest struct {
	Model    string     `json:"model"`
	Messages []Message  `json:"messages"`
	Tools    []chatTool `json:"tools,omitempty"`
}

type chatTool struct {
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
}

type chatFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
}

type chatResponse struct {
	Choices []struct {
		Message Message `json:"message"`
	} `json:"choices"`
}

// Ask sends the chat to the model and returns its reply. The request is the step id: the
// Inngest server makes it, retries it, and memoizes the response.
func (m Model) Ask(ctx context.Context, id string, chat []Message, tools []Tool) (Message, error) {
	request := chatRequest{Model: m.Name, Messages: chat}
	for _, tool := range tools {
		request.Tools = append(request.Tools, chatTool{"function", chatFunction{tool.Name, tool.Description, tool.parameters}})
	}
	response, err := step.Infer[chatResponse](ctx, id, step.InferRequest{
		URL:     m.BaseURL + "/chat/completions",
		AuthKey: m.Key,
		Body:    request,
	})
	if err != nil {
		return Message{}, fmt.Errorf("asking the model: %w", err)
	}
	if len(response.Choices) == 0 {
		return Message{}, inngestkit.NoRetry(errors.New("the response of the model has no choices"))
	}
	return response.Choices[0].Message, nil
}
