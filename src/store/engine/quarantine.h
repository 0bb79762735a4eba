// DATA/quarantine: copies of damaged bytes and segments set aside, for whoever wants to look at them; and notes of
// segments that are to be looked at.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "store/engine/segment.h"
#include "store/segment/frame_walker.h"

namespace telltale::store {

// Copies the range to quarantine/<segment>-<offset>.bytes; a copy that is there already stays.
base::Status copy_damage(base::Files& files, const std::string& folder, const Segment& segment, const DamagedRange& range);
// Notes for the engine, which may be another process: it is to look at the segment (quarantine/<segment>.suspect, empty).
base::Status note_suspect(base::Files& files, const std::string& folder, Sequence first_sequence);
std::vector<Sequence> suspected_segments(base::Files& files, const std::string& folder);
base::Status forget_suspect(base::Files& files, const std::string& folder, Sequence first_sequence);
// Moves the whole file to quarantine/<segment>, or beside one that has that name.
base::Status set_aside(base::Files& files, const std::string& folder, const Segment& segment);

}  // namespace telltale::store
