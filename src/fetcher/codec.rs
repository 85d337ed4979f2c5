//! gRPC codecs: requests are protobuf, responses are handed out (and taken) as the bytes they are.

use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// One direction of a stream: how a value becomes a message and back.
pub(crate) trait Payload: Sized + Send + Sync + 'static {
    fn write(self, buffer: &mut EncodeBuf<'_>) -> Result<(), Status>;
    fn read(bytes: Bytes) -> Result<Self, Status>;
}

/// A message that is not looked into.
impl Payload for Bytes {
    fn write(self, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(self.len());
        buffer.put_slice(&self);
        Ok(())
    }

    fn read(bytes: Bytes) -> Result<Self, Status> {
        Ok(bytes)
    }
}

/// A protobuf message, in a wrapper of its own because [`Bytes`] is a protobuf message too.
#[derive(Debug)]
pub(crate) struct Proto<M>(pub(crate) M);

impl<M: Message + Default + 'static> Payload for Proto<M> {
    fn write(self, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        self.0.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }

    fn read(bytes: Bytes) -> Result<Self, Status> {
        M::decode(bytes).map(Proto).map_err(|error| Status::invalid_argument(format!("not a request: {error}")))
    }
}

/// Sends `Out`, receives `In`.
pub(crate) struct PayloadCodec<Out, In>(PhantomData<(Out, In)>);

impl<Out, In> Default for PayloadCodec<Out, In> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// Encodes or decodes one kind of payload.
pub(crate) struct Coder<P>(PhantomData<P>);

impl<P: Payload> Encoder for Coder<P> {
    type Item = P;
    type Error = Status;

    fn encode(&mut self, item: P, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.write(buffer)
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl<P: Payload> Decoder for Coder<P> {
    type Item = P;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<P>, Status> {
        P::read(buffer.copy_to_bytes(buffer.remaining())).map(Some)
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl<Out: Payload, In: Payload> Codec for PayloadCodec<Out, In> {
    type Encode = Out;
    type Decode = In;
    type Encoder = Coder<Out>;
    type Decoder = Coder<In>;

    fn encoder(&mut self) -> Coder<Out> {
        Coder(PhantomData)
    }

    fn decoder(&mut self) -> Coder<In> {
        Coder(PhantomData)
    }
}
