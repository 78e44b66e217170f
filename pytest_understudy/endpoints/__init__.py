"""Who answers: endpoints, in the dialects that they speak."""
