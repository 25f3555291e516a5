package main

import (
	"context"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// videoUploaded starts transcode.
var videoUploaded = inngestkit.DefineEvent[Video]("video/uploaded")

// Video is a video that a user has uploaded.
type Video struct {
	Name string `json:"name"`
}

// transcode returns the function that makes a video small. workTime is how long that takes.
func transcode(workTime time.Duration) inngestkit.TypedFunction[Video, string] {
	return inngestkit.OnEvent("transcode", videoUploaded,
		func(ctx context.Context, in inngestkit.Input[Video]) (string, error) {
			return step.Run(ctx, "transcode", func(ctx context.Context) (string, error) {
				return work(ctx, in.Event.Data, workTime)
			})
		})
}

// work stands for work that takes a while.
func work(ctx context.Context, video Video, workTime time.Duration) (string, error) {
	logger := inngestkit.Logger(ctx)
	logger.Info("transcoding", "video", video.Name)
	select {
	case <-time.After(workTime):
		logger.Info("transcoded", "video", video.Name)
		return video.Name + ".small", nil
	case <-ctx.Done():
		return "", fmt.Errorf("transcoding %s: %w", video.Name, context.Cause(ctx))
	}
}
