"""The public card of every person, as a view: all that others may know of them."""

from uuid import UUID

from sqlalchemy import MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from db.base import Key


class Views(DeclarativeBase):
    """Mapped views stand apart from `Base`: nothing creates, migrates or counts them as tables."""

    metadata = MetaData()


class ProfileCard(Views):
    """What a signed-in person sees of another: user name, full name, picture and role."""

    __tablename__ = "profile_directory"

    id: Mapped[UUID] = mapped_column(Key, primary_key=True)
    username: Mapped[str | None] = mapped_column(Text)
    full_name: Mapped[str | None] = mapped_column(Text)
    avatar_url: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
