// Package fakemodel simulates the chat API of a model. It always plays the same
// conversation, so the example runs without a key and its tests are repeatable.
package fakemodel

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
)

// The conversation is about these orders. The customer has mistyped the second.
const (
	Question = "The teapot of order 1042 arrived broken, I want my money back! And where is order 1O43?"
	Refunded = "I have refunded 49.00 for order 1042. I cannot find an order 1O43: is it spelled right?"
	Denied   = "I may not refund order 1042; a colleague will write to you."
)

const assistant = "assistant"

// A Model is an [http.Handler] for POST /chat/completions.
type Model struct {
	// Key is the API key that requests must have.
	Key    string
	Logger *slog.Logger

	requests atomic.Int32
}

type message struct {
	Role      string     `json:"role"`
	Content   string     `json:"content"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// Requests returns the number of requests so far.
func (m *Model) Requests() int { return int(m.requests.Load()) }

// ServeHTTP implements [http.Handler]. It rejects the second request, as models do that are
// busy.
func (m *Model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := m.requests.Add(1)
	if r.Header.Get("Authorization") != "Bearer "+m.Key {
		m.refuse(w, http.StatusUnauthorized, "the API key is wrong")
		return
	}
	var chat struct {
		Messages []message `json:"messages"`
	}
	if err := json.NewDecoder(r.Body).Decode(&chat); err != nil {
		m.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if n == 2 {
		m.refuse(w, http.StatusTooManyRequests, "the model is busy")
		return
	}
	reply := next(chat.Messages)
	m.Logger.Info("model: replies", "request", n, "messages", len(chat.Messages), "text", reply.Content, "tools", names(reply))
	type choice struct {
		Message message `json:"message"`
	}
	m.respond(w, http.StatusOK, map[string]any{"object": "chat.completion", "model": "fake", "choices": []choice{{reply}}})
}

func (m *Model) refuse(w http.ResponseWriter, status int, text string) {
	m.Logger.Info("model: refuses", "status", status, "error", text)
	m.respond(w, status, map[string]any{"error": map[string]string{"message": text}})
}

func (m *Model) respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		m.Logger.Warn("model: response not sent", "error", err)
	}
}

// next returns the message after a chat.
func next(chat []message) message {
	rounds := 0
	for _, said := range chat {
		if said.Role == assistant {
			rounds++
		}
	}
	switch rounds {
	case 0:
		return message{Role: assistant, ToolCalls: []toolCall{
			call("a", "find_order", `{"orderId":"1042"}`),
			call("b", "find_order", `{"orderId":"1O43"}`),
		}}
	case 1:
		return message{Role: assistant, ToolCalls: []toolCall{
			call("c", "refund_order", `{"orderId":"1042","cents":4900,"reason":"arrived broken"}`),
		}}
	}
	if strings.Contains(chat[len(chat)-1].Content, `"refunded":true`) {
		return message{Role: assistant, Content: Refunded}
	}
	return message{Role: assistant, Content: Denied}
}

func call(id, name, arguments string) toolCall {
	return toolCall{"call_" + id, "function", function{name, arguments}}
}

func names(m message) []string {
	names := make([]string, 0, len(m.ToolCalls))
	for _, call := range m.ToolCalls {
		names = append(names, call.Function.Name)
	}
	return names
}
